package main

import (
	"fmt"
	"io"
	"strings"
)

// progress draws a bar on the last line of a terminal. What else is written to
// the terminal goes through it.
type progress struct {
	w     io.Writer
	on    bool
	shown int // per cent, -1: no bar is there
}

// newProgress returns a bar on w; one that is not on only passes on what is
// written.
func newProgress(w io.Writer, on bool) *progress { return &progress{w: w, on: on, shown: -1} }

const barWidth = 40

// show draws the bar anew if a whole per cent has been added.
func (p *progress) show(done, size int64) {
	if !p.on || size <= 0 {
		return
	}
	percent := int(min(done, size) * 100 / size)
	if percent == p.shown {
		return
	}
	p.shown = percent
	full := percent * barWidth / 100
	_, _ = fmt.Fprintf(p.w, "\r%s%s %3d %%", strings.Repeat("█", full), strings.Repeat("░", barWidth-full), percent)
}

// end removes the bar.
func (p *progress) end() {
	if p.shown >= 0 {
		_, _ = io.WriteString(p.w, "\r\x1b[K")
		p.shown = -1
	}
}

// Write writes above the bar, which is drawn again when there is progress.
func (p *progress) Write(b []byte) (int, error) {
	p.end()
	return p.w.Write(b)
}
