package eventbridge

import (
	"testing"
	"time"
)

// Times of the tests are seconds after an arbitrary instant.
func at(seconds int64) int64 {
	return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixMilli() + seconds*1000
}

func ats(seconds ...int64) []int64 {
	var times []int64
	for _, s := range seconds {
		times = append(times, at(s))
	}
	return times
}

func TestQueueProgress(t *testing.T) {
	const unknown = -1 << 40
	type step struct {
		do   func(p *queueProgress)
		now  int64
		want int64 // seconds; unknown: nothing is claimed
		hold bool  // held back to the instant before want
	}
	received := func(receiver int, now int64, sent ...int64) func(*queueProgress) {
		return func(p *queueProgress) { p.received(receiver, at(now), ats(sent...), nil) }
	}
	unusable := func(now int64, sent ...int64) func(*queueProgress) {
		return func(p *queueProgress) { p.received(0, at(now), nil, ats(sent...)) }
	}
	settled := func(sent ...int64) func(*queueProgress) {
		return func(p *queueProgress) {
			for _, s := range sent {
				p.settled(at(s))
			}
		}
	}
	failed := func(receiver int) func(*queueProgress) { return func(p *queueProgress) { p.failed(receiver) } }
	nothing := func(*queueProgress) {}

	for _, tc := range []struct {
		name      string
		receivers int
		steps     []step
	}{
		{"nothing is known at first", 1, []step{{nothing, 0, unknown, false}}},
		{"an idle queue", 1, []step{{received(0, 0), 0, 0, false}, {nothing, 25, 25, false}}},
		{"a receiver that hangs", 1, []step{{received(0, 0), 0, 0, false}, {nothing, 31, unknown, false}}},
		{"receives fail", 1, []step{{received(0, 0), 0, 0, false}, {failed(0), 1, unknown, false}, {received(0, 2), 2, 2, false}}},
		{"one of two receivers fails", 2, []step{{received(0, 0), 0, 0, false}, {received(1, 0), 0, 0, false}, {failed(0), 1, 1, false}}},
		{"young messages", 1, []step{
			{received(0, 10, 9, 8), 10, 8, true},
			{settled(8), 10, 9, true},
			{settled(9), 10, 10, false},
		}},
		{"young messages that Kafka does not take", 1, []step{
			{received(0, 10, 9), 10, 9, true},
			{received(0, 30), 30, 9, true},
			{settled(9), 31, 31, false},
		}},
		{"a backlog", 1, []step{
			{received(0, 1000, 100, 101), 1000, 100, true},
			{settled(100, 101), 1000, 100, false},
			{received(0, 1001, 105), 1001, 100, false}, // SQS keeps no order
			{settled(105), 1001, 100, false},
			{received(0, 1015, 990), 1015, 990, true}, // what came before is forgotten
			{settled(990), 1015, 990, false},
			{received(0, 1016, 1016), 1016, 990, false},
			{settled(1016), 1016, 990, false},
			{received(0, 1017), 1017, 1017, false}, // empty: nothing older is left
		}},
		{"one receiver is empty, another has old messages", 2, []step{
			{received(0, 1000), 1000, 1000, false},
			{received(1, 1000, 100), 1000, 100, true},
			{settled(100), 1000, 100, false},
			{received(1, 1001), 1001, 1001, false},
		}},
		{"older messages reappear", 1, []step{
			{received(0, 1000), 1000, 1000, false},
			{received(0, 1001, 500), 1001, 500, true},
			{settled(500), 1001, 500, false},
		}},
		{"the last old batch stands until the next receive", 1, []step{
			{received(0, 1000, 100), 1000, 100, true},
			{settled(100), 1000, 100, false},
			{nothing, 1020, 100, false},
		}},
		{"unusable messages tell the queue's age", 1, []step{{unusable(1000, 100), 1000, 100, false}}},
		{"unusable messages that come back tell nothing", 1, []step{{unusable(1000), 1000, 1000, false}}},
		{"equal send times", 1, []step{
			{received(0, 10, 9, 9), 10, 9, true},
			{settled(9), 10, 9, true},
			{settled(9), 10, 10, false},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newQueueProgress(tc.receivers)
			for i, s := range tc.steps {
				s.do(p)
				got, ok := p.readUpTo(at(s.now))
				want := at(s.want)
				if s.hold {
					want--
				}
				if ok != (s.want != unknown) || ok && got != want {
					t.Fatalf("step %d: read up to %d s, %v; want %d s (held %v)", i+1, (got-at(0))/1000, ok, s.want, s.hold)
				}
			}
		})
	}
}

func TestFileProgress(t *testing.T) {
	p := newFileProgress()
	check := func(what string, want int64, known bool) {
		t.Helper()
		if got, ok := p.readUpTo(at(1000)); ok != known || ok && got != want {
			t.Errorf("%s: read up to %d, %v; want %d", what, got-at(0), ok, want-at(0))
		}
	}
	check("before anything", 0, false)
	p.begin(at(10))
	p.begin(at(20))
	p.begin(at(15))
	check("before an acknowledgement", 0, false)
	p.acknowledged(at(20))
	check("older lines in flight", at(10)-1, true)
	p.acknowledged(at(10))
	check("one older line in flight", at(15)-1, true)
	p.refused(at(15))
	check("all acknowledged", at(20), true)
	p.begin(at(5))
	check("files need not be in order", at(5)-1, true)
	p.end()
	check("the end is read, a line in flight", at(5)-1, true)
	p.acknowledged(at(5))
	check("the end", at(1000), true)
}
