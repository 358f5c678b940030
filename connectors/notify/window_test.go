package notify

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestWindowCommitsUpToTheOldestUnsettled(t *testing.T) {
	w := newWindow("t", 0)
	var fs []*flight
	for offset := range int64(4) {
		fs = append(fs, w.add(&kgo.Record{Offset: offset * 2}, time.Time{})) // offsets have gaps: control records
	}
	want := func(offset int64, dirty bool, open int) {
		t.Helper()
		o, d := w.committable()
		if o.Offset != offset || d != dirty || w.unsettled() != open {
			t.Errorf("got offset %d, dirty %v, open %d, want %d, %v, %d", o.Offset, d, w.unsettled(), offset, dirty, open)
		}
	}
	want(0, false, 4)
	fs[1].settle()
	want(0, false, 3)
	fs[0].split()
	fs[0].settle()
	want(0, false, 3)
	fs[0].settle()
	want(3, true, 2)
	o, _ := w.committable()
	w.committed(o)
	want(3, false, 2)
	fs[3].settle()
	want(3, false, 1)
	fs[2].settle()
	want(7, true, 0)
	w.committed(o) // an older commit does not cover the newer offset
	want(7, true, 0)
}

func TestClosedWindowLetsNothingBegin(t *testing.T) {
	w := newWindow("t", 0)
	f := w.add(&kgo.Record{}, time.Time{})
	if !f.w.begin() {
		t.Fatal("an open window refuses")
	}
	w.close()
	w.close()
	if f.w.begin() {
		t.Error("a closed window lets an attempt begin")
	}
	select {
	case <-w.idle:
		t.Error("idle while an attempt is under way")
	default:
	}
	f.settle()
	f.w.end()
	w.drain(t.Context())
	if o, dirty := w.committable(); o.Offset != 1 || !dirty {
		t.Errorf("what settled while draining is not committable: %v %v", o, dirty)
	}
}
