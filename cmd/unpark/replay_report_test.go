package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// twoSides are a draft and what it is compared with: an organisation in Berlin,
// one that says no zone, and more queues than are drawn one by one.
func twoSides(t *testing.T) *replayRun {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	zones := map[string]*time.Location{"acme": berlin}
	at := func(s string) int64 {
		instant, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return instant.UnixMilli()
	}
	told := func(s *side, a alert) {
		s.alerts = append(s.alerts, a)
		s.raised[raisedKey{a.Org, a.Policy, a.Kind}]++
		s.escalations["raised "+a.Kind]++
	}
	r := &replayRun{draft: newSide("draft", zones, true), against: newSide("live <&>", zones, true), summary: newReplaySummary(false)}
	r.summary.Lines = 12
	// Sunday 23:30 UTC is Monday in Berlin: another day, another week.
	monday := at("2026-03-01T23:30:00Z")
	start := monday - 4*3_600_000
	told(r.draft, alert{"acme", "c1", "reply", "warning", "new", "Orders", start, monday, monday})
	told(r.draft, alert{"acme", "c1", "reply", "breach", "new", "Orders", start, monday + 60_000, monday + 70_000})
	told(r.draft, alert{"beta", "c1", "reply", "warning", "new", "", start, monday, monday})
	told(r.against, alert{"acme", "c1", "reply", "warning", "old", "Orders", start, monday + 7_200_000, monday + 7_200_000})
	thursday := at("2026-03-05T12:00:00Z")
	for i := range maxQueues + 2 {
		told(r.against, alert{"acme", fmt.Sprintf("q%d", i), "open", "action", "old", fmt.Sprintf("Queue %02d", i), start, thursday, thursday})
	}
	r.finish()
	return r
}

// TestReportData compares what the charts show with the golden.
func TestReportData(t *testing.T) {
	rep := newReport(twoSides(t))
	got, err := json.MarshalIndent(map[string]any{"panels": rep.Panels, "comparison": rep.Comparison}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	golden := filepath.Join("testdata", "replay_report.json")
	if *rewrite {
		if err := os.WriteFile(golden, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

// TestReportPage has the page be well formed, need nothing from elsewhere, and
// draw every alert within its charts.
func TestReportPage(t *testing.T) {
	r := twoSides(t)
	rep := newReport(r)
	var page bytes.Buffer
	if err := reportTemplate.Execute(&page, rep); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, want := range []string{"live &lt;&amp;&gt;", "Only raised by draft", "<title>Orders: 1 breach</title>", "2026-W10"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	var svgs, rects int
	for d := xml.NewDecoder(&page); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		el, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch el.Name.Local {
		case "svg":
			svgs++
		case "rect":
			rects++
		case "script", "link", "img", "iframe":
			t.Errorf("the page has a <%s>", el.Name.Local)
		}
		if i := slices.IndexFunc(el.Attr, func(a xml.Attr) bool { return a.Name.Local == "src" || a.Name.Local == "href" }); i >= 0 {
			t.Errorf("the page refers to %s", el.Attr[i].Value)
		}
	}
	bars := 0
	for _, p := range rep.Panels {
		for _, c := range []chart{p.DayChart, p.HourChart, p.QueueChart} {
			bars += len(c.Bars)
			for _, b := range c.Bars {
				if b.X < 0 || b.Y < 0 || b.X+b.Width > c.Width || b.Y+b.Height > c.Height {
					t.Errorf("%s: %s lies outside: %+v", c.About, b.Title, b)
				}
			}
		}
	}
	if svgs != 6 || rects != bars {
		t.Errorf("%d charts with %d bars, want 6 with %d", svgs, rects, bars)
	}
}

// TestReportEmpty has a replay that told nothing be a page too.
func TestReportEmpty(t *testing.T) {
	r := &replayRun{draft: newSide("draft", nil, true), summary: newReplaySummary(true)}
	r.finish()
	if err := reportTemplate.Execute(io.Discard, newReport(r)); err != nil {
		t.Fatal(err)
	}
}

func TestScale(t *testing.T) {
	for _, c := range []struct{ most, top, step int }{
		{0, 1, 1}, {1, 1, 1}, {5, 5, 1}, {6, 6, 2}, {10, 10, 2}, {11, 15, 5}, {26, 30, 10}, {51, 60, 20}, {101, 150, 50}, {11000, 15000, 5000},
	} {
		if top, step := scale(c.most); top != c.top || step != c.step {
			t.Errorf("scale(%d) = %d, %d; want %d, %d", c.most, top, step, c.top, c.step)
		}
	}
}

// TestColumnLabels has every label of a month of days stand within the picture.
func TestColumnLabels(t *testing.T) {
	for days := 1; days <= 60; days++ {
		points := make([]point, days)
		for i := range points {
			points[i].Label = time.Date(2026, 3, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		}
		shown := 0
		for _, l := range columns("days", points, 10).Labels {
			if l.Anchor != "middle" {
				continue
			}
			shown++
			if half := charWidth * float64(len(l.Text)) / 2; l.X-half < 0 || l.X+half > chartWidth {
				t.Errorf("%d days: %s at %.0f is cut", days, l.Text, l.X)
			}
		}
		if shown == 0 {
			t.Errorf("%d days: no label", days)
		}
	}
}
