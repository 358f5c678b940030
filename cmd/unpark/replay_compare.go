package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// comparison is what two folders lead to on the same history.
type comparison struct {
	Config      string          `json:"config"`
	Against     string          `json:"against"`
	InConfig    int             `json:"raised"`
	InAgainst   int             `json:"raisedAgainst"`
	Both        int             `json:"both"`
	OnlyConfig  int             `json:"only"`
	OnlyAgainst int             `json:"onlyAgainst"`
	Rows        []comparisonRow `json:"rows"`

	onlyConfig, onlyAgainst []alert
}

// comparisonRow counts alerts of one policy, queue and week.
type comparisonRow struct {
	comparisonKey
	Both        int `json:"both"`
	OnlyConfig  int `json:"only"`
	OnlyAgainst int `json:"onlyAgainst"`
}

type comparisonKey struct {
	Org    string `json:"org"`
	Policy string `json:"policy"`
	Queue  string `json:"queue"` // its name, else its id
	Week   string `json:"week"`  // 2026-W10
}

// sameAlert is what an alert of one folder and one of the other have in common
// if they say the same (see the command's help).
type sameAlert struct {
	org, conversation, objective, kind string
	start                              int64
}

func (a alert) same() sameAlert {
	return sameAlert{a.Org, a.Conversation, a.Objective, a.Kind, a.Start}
}

// compare matches the alerts of two sides. Several that say the same are matched
// one with one.
func compare(draft, against *side) comparison {
	c := comparison{
		Config: draft.name, Against: against.name,
		InConfig: len(draft.alerts), InAgainst: len(against.alerts), Rows: []comparisonRow{},
	}
	left := make(map[sameAlert]int)
	for _, a := range against.alerts {
		left[a.same()]++
	}
	rows := make(map[comparisonKey]*comparisonRow)
	row := func(s *side, a alert) *comparisonRow {
		year, week := s.local(a.Org, a.Due).ISOWeek()
		key := comparisonKey{a.Org, a.Policy, a.Queue, fmt.Sprintf("%d-W%02d", year, week)}
		if rows[key] == nil {
			rows[key] = &comparisonRow{comparisonKey: key}
		}
		return rows[key]
	}
	both := make(map[sameAlert]int)
	for _, a := range draft.alerts {
		if left[a.same()] > 0 {
			left[a.same()]--
			both[a.same()]++
			row(draft, a).Both++
			continue
		}
		row(draft, a).OnlyConfig++
		c.onlyConfig = append(c.onlyConfig, a)
	}
	for _, a := range against.alerts {
		if both[a.same()] > 0 {
			both[a.same()]--
			c.Both++
			continue
		}
		row(against, a).OnlyAgainst++
		c.onlyAgainst = append(c.onlyAgainst, a)
	}
	c.OnlyConfig, c.OnlyAgainst = len(c.onlyConfig), len(c.onlyAgainst)
	for _, r := range rows {
		c.Rows = append(c.Rows, *r)
	}
	slices.SortFunc(c.Rows, func(a, b comparisonRow) int { return a.compare(b.comparisonKey) })
	return c
}

func (k comparisonKey) compare(o comparisonKey) int {
	return cmp.Or(cmp.Compare(k.Org, o.Org), cmp.Compare(k.Week, o.Week), cmp.Compare(k.Policy, o.Policy), cmp.Compare(k.Queue, o.Queue))
}

// orgs returns how many organisations the rows speak of.
func (c comparison) orgs() int {
	orgs := make(map[string]bool)
	for _, r := range c.Rows {
		orgs[r.Org] = true
	}
	return len(orgs)
}

func (c comparison) print(w io.Writer) error {
	_, _ = fmt.Fprintf(w, "\n%s raises %d, %s raises %d: %d by both, %d only by %s, %d only by %s\n",
		c.Config, c.InConfig, c.Against, c.InAgainst, c.Both, c.OnlyConfig, c.Config, c.OnlyAgainst, c.Against)
	if len(c.Rows) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	org := ""
	if c.orgs() > 1 {
		org = "org\t"
	}
	_, _ = fmt.Fprintf(tw, "%sweek\tpolicy\tqueue\tboth\tonly %s\tonly %s\n", org, c.Config, c.Against)
	for _, r := range c.Rows {
		if org != "" {
			org = r.Org + "\t"
		}
		_, _ = fmt.Fprintf(tw, "%s%s\t%s\t%s\t%d\t%d\t%d\n", org, r.Week, r.Policy, cmp.Or(r.Queue, "-"), r.Both, r.OnlyConfig, r.OnlyAgainst)
	}
	return tw.Flush()
}
