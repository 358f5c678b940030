package main

import (
	"bufio"
	"fmt"
	"html/template"
	"os"

	_ "embed"
)

//go:embed replay_report.html
var reportHTML string

var reportTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"instant": func(s *side, a alert, ms int64) string {
		return s.local(a.Org, ms).Format("2006-01-02 15:04")
	},
	"queue": queueOf,
}).Parse(reportHTML))

// report is a page on what a replay decided.
type report struct {
	Summary    replaySummary
	Kinds      []string
	Panels     []panel
	Comparison *comparison
	Only       []onlyList
}

// panel is one side of the page.
type panel struct {
	Name   string        `json:"name"`
	Raised []raisedCount `json:"raised"`
	Total  int           `json:"total"`
	Days   []point       `json:"days"`
	Hours  []point       `json:"hours"`
	Queues []point       `json:"queues"`

	DayChart, HourChart, QueueChart chart `json:"-"`
}

// maxListed bounds the alerts that are listed one by one.
const maxListed = 200

// onlyList is alerts that one side raises and the other does not.
type onlyList struct {
	Name   string
	Total  int
	Side   *side
	Alerts []alert
}

func newReport(r *replayRun) report {
	sides := []*side{r.draft}
	rep := report{Summary: r.summary, Kinds: alertKinds[:], Comparison: r.summary.Against}
	if c := rep.Comparison; c != nil {
		sides = append(sides, r.against)
		rep.Only = []onlyList{newOnlyList(r.draft, c.onlyConfig), newOnlyList(r.against, c.onlyAgainst)}
	}
	byDays, byHours, byQueues := byDay(sides), byHour(sides), byQueue(sides)
	for i, s := range sides {
		p := panel{Name: s.name, Raised: s.raisedCounts(), Total: len(s.alerts), Days: byDays[i], Hours: byHours[i], Queues: byQueues[i]}
		p.DayChart = columns("Alerts per day, "+s.name, p.Days, highest(byDays))
		p.HourChart = columns("Alerts by hour of the day, "+s.name, p.Hours, highest(byHours))
		p.QueueChart = rows("Alerts by queue, "+s.name, p.Queues, highest(byQueues))
		rep.Panels = append(rep.Panels, p)
	}
	return rep
}

func newOnlyList(s *side, alerts []alert) onlyList {
	return onlyList{s.name, len(alerts), s, alerts[:min(len(alerts), maxListed)]}
}

// Statuses returns the rows of the summary's table.
func (r report) Statuses() []string { return sortedKeys(r.Summary.Escalations) }

// Read says what history it was.
func (r report) Read() string { return count(r.Summary.Lines+r.Summary.Records, r.Summary.unit()) }

// Unusable returns the number of lines or records that could not be used.
func (r report) Unusable() int { return total(r.Summary.Unusable) }

// reportFile is where a report goes; without a file, nowhere.
type reportFile struct{ file *os.File }

func createReport(path string) (reportFile, error) {
	if path == "" {
		return reportFile{}, nil
	}
	file, err := os.Create(path)
	return reportFile{file}, err
}

func (f reportFile) write(r *replayRun) error {
	if f.file == nil {
		return nil
	}
	w := bufio.NewWriter(f.file)
	err := reportTemplate.Execute(w, newReport(r))
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func (f reportFile) close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
