package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"unpark/connectors/notify"
)

// demoPrinter tells the demo's story: what happens, and what the manager hears.
type demoPrinter struct {
	mu    sync.Mutex
	w     io.Writer
	color bool
	json  bool
	out   *json.Encoder
}

func newDemoPrinter(w io.Writer, asJSON bool) *demoPrinter {
	return &demoPrinter{w: w, color: isTerminal(w), json: asJSON, out: json.NewEncoder(w)}
}

// Capabilities implements notify.Notifier: the story has neither reminders nor
// storms.
func (p *demoPrinter) Capabilities() notify.Capabilities {
	return notify.Capabilities{Kinds: notify.KindsOf(notify.Clear, notify.Retract)}
}

// Notify implements notify.Notifier: an alert, set off from what happens.
func (p *demoPrinter) Notify(_ context.Context, m notify.Message) (notify.Reference, error) {
	text := notify.Render(m)
	if p.json {
		p.encode(map[string]any{"type": "alert", "text": text.Headline, "details": text.Details(), "escalation": m.Escalation})
		return "", nil
	}
	begin, end := "", ""
	if p.color {
		begin, end = "\x1b[1m", "\x1b[0m"
	}
	p.printf("%s  %s>> %s%s\n          %s\n", m.Escalation.At.Time().Format(demoTime), begin, text.Headline, end, text.Details())
	return "", nil
}

func (p *demoPrinter) printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = fmt.Fprintf(p.w, format, args...)
}

func (p *demoPrinter) encode(record map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.out.Encode(record)
}

const demoTime = "15:04:05"

func (p *demoPrinter) opening(s demoScript, f demoFlags) {
	if p.json {
		p.encode(map[string]any{
			"type": "opening", "start": s.Start, "end": s.End,
			"conversations": f.conversations, "speed": f.speed, "seed": f.seed,
		})
		return
	}
	p.printf(`A contact centre from %s to %s, %g times as fast as the clock on the wall.
The promise: an answer within 4 hours; the manager hears after 3.5.

`, s.Start.Format("15:04"), s.End.Format("15:04"), f.speed)
}

func (p *demoPrinter) scene(s scene) {
	switch {
	case p.json:
		p.encode(map[string]any{"type": "scene", "at": s.At, "text": s.Line, "envelope": json.RawMessage(s.Envelope)})
	case s.Line != "":
		p.printf("%s  %s\n", s.At.Format(demoTime), s.Line)
	}
}

func (p *demoPrinter) stopped() {
	if !p.json {
		p.printf("\nStopped.\n")
	}
}

// summary prints how the conversations went and what was told of them; an error
// says that they do not agree.
func (p *demoPrinter) summary(s demoScript, told map[string]int) error {
	agree := total(told) == total(s.Expected)
	for k, n := range s.Expected {
		agree = agree && told[k] == n
	}
	if p.json {
		p.encode(map[string]any{"type": "summary", "conversations": s.Stories, "expected": s.Expected, "told": told, "agree": agree})
	} else {
		p.printSummary(s, told, agree)
	}
	if !agree {
		return errors.New("what was told is not what the script expects")
	}
	return nil
}

func (p *demoPrinter) printSummary(s demoScript, told map[string]int, agree bool) {
	p.printf("\n%d conversations:\n", total(s.Stories))
	for _, story := range stories {
		if n := s.Stories[story]; n > 0 {
			p.printf("  %4d  %s\n", n, story)
		}
	}
	p.printf("\n%d messages to the manager, %d expected:\n", total(told), total(s.Expected))
	for _, k := range sortedKeys(s.Expected) {
		p.printf("  %4d  %-18s (%d expected)\n", told[k], k, s.Expected[k])
	}
	if agree {
		p.printf("\nNobody was forgotten, nothing was told twice.\n")
	}
}
