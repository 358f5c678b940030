package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// TestProgress has the bar be drawn once per cent, make room for messages, and
// leave nothing behind.
func TestProgress(t *testing.T) {
	var w bytes.Buffer
	p := newProgress(&w, true)
	for i := range int64(1000) {
		p.show(i, 1000)
	}
	if n := strings.Count(w.String(), "\r"); n != 100 {
		t.Errorf("drawn %d times, want 100", n)
	}
	w.Reset()
	_, _ = fmt.Fprintln(p, "line 7")
	p.show(1000, 1000)
	p.end()
	p.end()
	want := "\r\x1b[Kline 7\n\r" + strings.Repeat("█", barWidth) + " 100 %\r\x1b[K"
	if got := w.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestProgressOff has nothing be drawn for programs, and where nobody knows how
// much there is.
func TestProgressOff(t *testing.T) {
	var w bytes.Buffer
	off, pipe := newProgress(&w, false), newProgress(&w, true)
	off.show(1, 2)
	pipe.show(1, 0)
	off.end()
	pipe.end()
	if w.Len() > 0 {
		t.Errorf("got %q, want nothing", w.String())
	}
}
