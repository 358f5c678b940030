package stream

import (
	"context"
	"errors"
	"testing"
)

func TestLeases(t *testing.T) {
	var l leases
	release, err := l.acquire(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	other, err := l.acquire(t.Context(), 2) // another partition
	if err != nil {
		t.Fatal(err)
	}
	defer other()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.acquire(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a held partition: err = %v, want it to wait", err)
	}
	taken := make(chan func())
	for range 2 {
		go func() {
			release, err := l.acquire(t.Context(), 1)
			if err != nil {
				t.Error(err)
			}
			taken <- release
		}()
	}
	select {
	case <-taken:
		t.Fatal("taken while it is held")
	default:
	}
	release()
	release = <-taken
	select {
	case <-taken:
		t.Fatal("taken twice")
	default:
	}
	release()
	(<-taken)()
}

func TestWaker(t *testing.T) {
	var w waker
	n := 0
	w.signal()
	w.arm(func() { n++ })
	if n != 1 {
		t.Fatal("a signal before the poll is lost")
	}
	w.signal()
	w.disarm()
	w.arm(func() { n++ })
	if n != 2 {
		t.Errorf("%d wake-ups of 2 signals", n)
	}
}
