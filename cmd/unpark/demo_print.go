package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"unpark/connectors/genesys/simulator"
	"unpark/connectors/notify"
)

// demoPrinter tells the demo's story: what happens, and what the manager hears.
type demoPrinter struct {
	mu    sync.Mutex
	w     io.Writer
	color bool
	json  bool
	out   *json.Encoder
	stop  func() // called when what is told cannot be written
	err   error  // why not
}

func newDemoPrinter(w io.Writer, asJSON bool) *demoPrinter {
	return &demoPrinter{w: w, color: isTerminal(w), json: asJSON, out: json.NewEncoder(w), stop: func() {}}
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
	_, err := fmt.Fprintf(p.w, format, args...)
	p.failed(err)
}

func (p *demoPrinter) encode(record map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed(p.out.Encode(record))
}

// failed keeps the first error and stops the demo: there is nobody to tell.
func (p *demoPrinter) failed(err error) {
	if err != nil && p.err == nil {
		p.err = err
		p.stop()
	}
}

// failure is why what was told could not be written; nil if it was.
func (p *demoPrinter) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

const demoTime = "15:04:05"

func (p *demoPrinter) opening(f demoFlags) {
	if p.json {
		p.encode(map[string]any{
			"type": "opening", "start": demoOpens, "end": demoCloses,
			"conversations": f.conversations, "speed": f.speed, "seed": f.seed,
		})
		return
	}
	p.printf(`A contact centre on a Wednesday from %s to %s, %g times as fast as the clock on the wall.
The promise: an answer within 4 hours; the manager hears after 3.5. Before that unpark asks
Genesys who wrote last. What is open for 48 hours goes back to its queue.

`, demoOpens.Format("15:04"), demoCloses.Format("15:04"), f.speed)
}

// happened tells what people do.
func (p *demoPrinter) happened(h simulator.Happening) {
	said := map[simulator.What]string{
		simulator.Arrives: map[string]string{simulator.Email: "an e-mail", simulator.Message: "a WhatsApp message"}[h.Media] + " arrives for " + h.Queue,
		simulator.Takes:   h.User + " opens it", simulator.Answers: h.User + " answers", simulator.Writes: "the customer writes again",
		simulator.Parks: h.User + " parks it", simulator.Transfers: h.User + " gives it to queue " + h.Queue,
		simulator.Leaves: "it is over", simulator.Delayed: "the events of what follows are half an hour late",
	}[h.What]
	at := demoTime
	switch {
	case h.At.Before(demoBegan):
		at = "Mon 15:04"
	case h.Story == storyOld && h.What == simulator.Transfers:
		said = "unpark gives it back to queue " + h.Queue
	}
	if p.json {
		p.encode(map[string]any{"type": "scene", "at": h.At, "text": h.Conversation + ": " + said, "envelope": nil})
		return
	}
	p.printf("%s  %s: %s\n", h.At.Format(at), h.Conversation, said)
}

// envelope shows what EventBridge delivers.
func (p *demoPrinter) envelope(d simulator.Delivered) {
	if p.json {
		p.encode(map[string]any{"type": "scene", "at": d.At, "text": "", "envelope": json.RawMessage(d.Envelope)})
	}
}

// scene tells what concerns everybody.
func (p *demoPrinter) scene(at time.Time, line string) {
	switch {
	case line == "":
	case p.json:
		p.encode(map[string]any{"type": "scene", "at": at, "text": line, "envelope": nil})
	default:
		p.printf("%s  %s\n", at.Format(demoTime), line)
	}
}

func (p *demoPrinter) stopped() {
	if !p.json {
		p.printf("\nStopped.\n")
	}
}

// summary prints how the conversations went and what was told of them; an error
// says that they do not agree.
func (p *demoPrinter) summary(truth []simulator.Truth, asked int, told map[string]int) error {
	want, stories := expected(truth), storiesOf(truth)
	agree := maps.Equal(told, want)
	if p.json {
		p.encode(map[string]any{"type": "summary", "conversations": stories, "asked": asked, "expected": want, "told": told, "agree": agree})
	} else {
		p.printSummary(stories, asked, want, told)
	}
	if !agree {
		return errors.New("what was told is not what the organisation knows to be so")
	}
	return nil
}

func (p *demoPrinter) printSummary(stories map[string]int, asked int, want, told map[string]int) {
	p.printf("\n%d conversations:\n", total(stories))
	for _, story := range slices.Concat(demoStories, []demoStory{{name: storyOld}}) {
		if n := stories[story.name]; n > 0 {
			p.printf("  %4d  %s\n", n, story.name)
		}
	}
	p.printf("\nGenesys was asked %d times. %d messages to the manager, %d expected:\n", asked, total(told), total(want))
	kinds := maps.Clone(told)
	maps.Copy(kinds, want)
	for _, k := range sortedKeys(kinds) {
		p.printf("  %4d  %-18s (%d expected)\n", told[k], k, want[k])
	}
	if maps.Equal(told, want) {
		p.printf("\nNobody was forgotten, nothing was told twice.\n")
	}
}
