package processor_test

import (
	"testing"

	"pgregory.net/rapid"

	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

const (
	nineOClock = int64(1_772_442_000_000) // 2026-03-02T09:00:00Z
	oneMinute  = int64(60_000)
)

// partitionLog drives a handler record by record, as a partition's log would.
type partitionLog struct {
	t      *testing.T
	driver *replay.Driver
	offset int64
	now    int64
	raised int
}

func newLog(t *testing.T) *partitionLog {
	t.Helper()
	var s script
	if err := s.parseRules(defaultRules); err != nil {
		t.Fatal(err)
	}
	configs, first := scriptConfigs(t, s)
	l := &partitionLog{t: t}
	d, err := replay.New(newHandler(t, configs), func(stream.Output) error { l.raised++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	l.driver = d
	l.append(activation(first))
	return l
}

func (l *partitionLog) append(in *schemas.InputRecord) {
	l.t.Helper()
	if err := l.driver.ApplyRecord(stream.Record{Offset: l.offset, AppendTime: l.now, Input: in}); err != nil {
		l.t.Fatal(err)
	}
	l.offset++
}

func (l *partitionLog) tick(at int64) {
	l.t.Helper()
	l.now = at
	l.append(&schemas.InputRecord{Kind: &schemas.InputRecord_Tick{Tick: &schemas.Tick{ClockMs: at}}})
}

func (l *partitionLog) event(topic schemas.EventTopic, source string, at int64) {
	l.t.Helper()
	l.eventOf("s", topic, source, at)
}

func (l *partitionLog) eventOf(session string, topic schemas.EventTopic, source string, at int64) {
	l.t.Helper()
	l.append(&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{
		OrgId: scriptOrg, ConversationId: "c-1", Topic: topic, EventTimeMs: at, SessionId: session, MediaType: "message", Source: source,
	}}})
}

func (l *partitionLog) progress(source string, upTo int64) {
	l.t.Helper()
	l.append(&schemas.InputRecord{Kind: &schemas.InputRecord_SourceProgress{SourceProgress: &schemas.SourceProgress{Source: source, ReadUpToMs: upTo}}})
}

// want compares how many escalations were told so far.
func (l *partitionLog) want(n int) {
	l.t.Helper()
	if err := l.driver.Commit(); err != nil {
		l.t.Fatal(err)
	}
	if l.raised != n {
		l.t.Errorf("at %s: %d escalations, want %d", schemas.Instant(l.now), l.raised, n)
	}
}

const customerStart, customerEnd = schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END

// A backlog in the queue: the end of the conversation is still in it. Nothing is
// told before the queue has been read up to when the warning was due.
func TestBacklogInTheSourceDelaysJudgement(t *testing.T) {
	l := newLog(t)
	l.event(customerStart, "sqs:q", nineOClock) // before the first tick of the partition
	l.tick(nineOClock + 300*oneMinute)
	l.want(0)
	l.progress("sqs:q", nineOClock+100*oneMinute)
	l.tick(nineOClock + 301*oneMinute)
	l.want(0)
	l.event(customerEnd, "sqs:q", nineOClock+180*oneMinute)
	l.progress("sqs:q", nineOClock+300*oneMinute)
	l.tick(nineOClock + 302*oneMinute)
	l.tick(nineOClock + 303*oneMinute)
	l.want(0)
}

func TestReadUpToDueIsJudged(t *testing.T) {
	l := newLog(t)
	l.tick(nineOClock)
	l.event(customerStart, "sqs:q", nineOClock)
	l.tick(nineOClock + 205*oneMinute)
	l.progress("sqs:q", nineOClock+209*oneMinute)
	l.tick(nineOClock + 211*oneMinute)
	l.want(0)
	l.progress("sqs:q", nineOClock+210*oneMinute)
	l.tick(nineOClock + 211*oneMinute + 31_000)
	l.want(1)
}

// A bridge that is dead holds alerts for 15 minutes, no longer.
func TestHoldEnds(t *testing.T) {
	l := newLog(t)
	l.tick(nineOClock)
	l.event(customerStart, "sqs:q", nineOClock)
	l.progress("sqs:q", nineOClock+200*oneMinute)
	l.tick(nineOClock + 211*oneMinute)
	l.want(0)
	for range 14 {
		l.tick(l.now + oneMinute)
	}
	l.want(1) // fifteen minutes of ticks without progress: held long enough
	l = newLog(t)
	l.tick(nineOClock)
	l.event(customerStart, "sqs:q", nineOClock)
	l.tick(nineOClock + 205*oneMinute)
	l.progress("sqs:q", nineOClock+200*oneMinute)
	for at := nineOClock + 206*oneMinute; at < nineOClock+220*oneMinute; at += oneMinute {
		l.tick(at)
		l.want(0)
	}
	l.tick(nineOClock + 220*oneMinute)
	l.want(1)
}

// Everything was down from 11:00 to 15:00, bridge and processor: the queue has what
// happened meanwhile, and the bridge gets the time to read it that a tick after an
// outage does not give.
func TestOutageIsNoHold(t *testing.T) {
	down := func(t *testing.T) *partitionLog {
		l := newLog(t)
		l.tick(nineOClock)
		l.event(customerStart, "sqs:q", nineOClock)
		for l.now < nineOClock+120*oneMinute {
			l.tick(l.now + oneMinute)
			l.progress("sqs:q", l.now)
		}
		l.tick(nineOClock + 360*oneMinute)
		l.want(0)
		return l
	}
	t.Run("over meanwhile", func(t *testing.T) {
		l := down(t)
		l.progress("sqs:q", nineOClock+170*oneMinute)
		l.tick(l.now + oneMinute)
		l.event(customerEnd, "sqs:q", nineOClock+180*oneMinute)
		l.progress("sqs:q", l.now)
		l.tick(l.now + oneMinute)
		l.tick(l.now + oneMinute)
		l.want(0)
	})
	t.Run("still open", func(t *testing.T) {
		l := down(t)
		l.progress("sqs:q", l.now)
		l.tick(l.now + oneMinute)
		l.want(2)
	})
	t.Run("down twice", func(t *testing.T) {
		l := down(t)
		l.tick(l.now + oneMinute)
		l.tick(l.now + 120*oneMinute)
		l.tick(l.now + oneMinute)
		l.want(0)
	})
	t.Run("the bridge stays down", func(t *testing.T) {
		l := down(t)
		for range 13 {
			l.tick(l.now + oneMinute)
			l.want(0)
		}
		l.tick(l.now + oneMinute)
		l.want(2)
	})
}

// Two bridges read one queue, and each holds a message that Kafka does not take: what
// they tell in turn goes up and down, and is no progress.
func TestHoldEndsForTwoBridges(t *testing.T) {
	l := newLog(t)
	l.tick(nineOClock)
	l.event(customerStart, "sqs:q", nineOClock)
	for l.now < nineOClock+223*oneMinute {
		l.tick(l.now + oneMinute)
		l.progress("sqs:q", min(l.now, nineOClock+208*oneMinute))
		l.progress("sqs:q", min(l.now, nineOClock+209*oneMinute))
	}
	l.want(0)
	l.tick(l.now + oneMinute)
	l.want(1)
}

// A message that comes back late takes the progress back: reading on from there is
// progress again.
func TestProgressGoesBack(t *testing.T) {
	l := newLog(t)
	l.tick(nineOClock)
	l.event(customerStart, "sqs:q", nineOClock)
	for l.now < nineOClock+205*oneMinute {
		l.tick(l.now + oneMinute)
		l.progress("sqs:q", l.now)
	}
	for i := range int64(25) {
		l.progress("sqs:q", nineOClock+(180+i)*oneMinute)
		l.tick(l.now + oneMinute)
		l.want(0)
	}
}

// A customer who is back within settle goes on with his episode, and his clocks, also
// where a tick comes between his end and his start while a backlog is read.
func TestBacklogSplitsNoEpisode(t *testing.T) {
	l := newLog(t)
	l.tick(nineOClock)
	l.event(customerStart, "sqs:q", nineOClock)
	l.progress("sqs:q", nineOClock)
	l.tick(nineOClock + 360*oneMinute)
	l.event(customerEnd, "sqs:q", nineOClock+180*oneMinute)
	l.progress("sqs:q", nineOClock+180*oneMinute)
	l.tick(l.now + 1_000)
	l.eventOf("back", customerStart, "sqs:q", nineOClock+181*oneMinute)
	l.progress("sqs:q", l.now)
	l.tick(l.now + oneMinute)
	l.want(2) // since 09:00, not since 12:01

	l = newLog(t)
	l.tick(nineOClock)
	l.event(customerStart, "sqs:q", nineOClock)
	l.progress("sqs:q", nineOClock+211*oneMinute)
	l.tick(nineOClock + 211*oneMinute)
	l.want(1)
	l.event(customerEnd, "sqs:q", nineOClock+212*oneMinute)
	for range 13 {
		l.tick(l.now + oneMinute)
		l.want(1)
	}
	l.tick(l.now + oneMinute)
	l.want(2) // cleared: the bridge is dead, and was waited for long enough
}

// Of two queues that carry the org both must have been read.
func TestEverySourceCounts(t *testing.T) {
	l := newLog(t)
	l.tick(nineOClock)
	l.event(customerStart, "sqs:one", nineOClock)
	l.event(customerStart, "sqs:two", nineOClock)
	l.tick(nineOClock + 205*oneMinute)
	l.progress("sqs:one", nineOClock+211*oneMinute)
	l.progress("sqs:two", nineOClock+100*oneMinute)
	l.tick(nineOClock + 211*oneMinute)
	l.want(0)
	l.progress("sqs:two", nineOClock+211*oneMinute)
	l.tick(nineOClock + 212*oneMinute)
	l.want(1)
}

// Events of other producers have no source, and nobody to wait for.
func TestWithoutSourceNothingIsHeld(t *testing.T) {
	l := newLog(t)
	l.tick(nineOClock)
	l.event(customerStart, "", nineOClock)
	l.tick(nineOClock + 211*oneMinute)
	l.want(1)
}

// TestHoldByTheLaw: whatever two sources tell and however long everything is down, a
// warning that is due is told at no tick at which a source holds it, and soon after the
// last of them has let it go.
func TestHoldByTheLaw(t *testing.T) {
	oracle(t, 300)
	rapid.Check(t, func(rt *rapid.T) {
		l := newLog(t)
		sources := map[string]*heldSource{"sqs:one": {reported: map[int64]bool{}}, "sqs:two": {reported: map[int64]bool{}}}
		names := []string{"sqs:one", "sqs:two"}
		l.tick(nineOClock)
		for _, name := range names {
			l.event(customerStart, name, nineOClock)
		}
		const due, settled = nineOClock + 210*oneMinute, 31_000
		free := int64(0) // since when, of the ticks, nothing holds it
		for step := range rapid.IntRange(50, 300).Draw(rt, "steps") {
			pause := rapid.SampledFrom([]int64{1_000, 10_000, 10_000, oneMinute, oneMinute, 5 * oneMinute, 20 * oneMinute, 90 * oneMinute}).Draw(rt, "pause")
			l.tick(l.now + pause)
			held := l.now < due+10_000
			for _, s := range sources {
				s.ticked += min(pause, oneMinute)
				held = held || s.readUpTo < due && s.ticked < 15*oneMinute
			}
			if held {
				free = 0
			} else if free == 0 {
				free = l.now
			}
			if err := l.driver.Commit(); err != nil {
				t.Fatal(err)
			}
			if l.raised > 0 {
				if held {
					rt.Fatalf("step %d: told at %s while it is held", step, schemas.Instant(l.now))
				}
				return
			}
			if free > 0 && l.now >= free+settled {
				rt.Fatalf("step %d: not told at %s, and nothing holds it since %s", step, schemas.Instant(l.now), schemas.Instant(free))
			}
			name := rapid.SampledFrom(names).Draw(rt, "source")
			behind := rapid.SampledFrom([]int64{-1, 0, oneMinute, 30 * oneMinute, 200 * oneMinute}).Draw(rt, "behind")
			if upTo := max(0, l.now-behind); behind >= 0 {
				sources[name].tell(upTo)
				l.progress(name, upTo)
			}
		}
	})
}

// heldSource is what SLA.md 5.1 asks of a source.
type heldSource struct {
	readUpTo, ticked int64 // ticked: since it last got on
	reported         map[int64]bool
}

func (s *heldSource) tell(upTo int64) {
	if upTo > s.readUpTo && !s.reported[upTo] {
		s.ticked = 0
	}
	s.readUpTo, s.reported[upTo] = upTo, true
}

// While its bridge is well, a close waits for the bridge's next report: with one look.
func TestCloseIsLookedAtOnce(t *testing.T) {
	const report = 5_000
	for phase := range int64(25) {
		l := newLog(t)
		l.tick(nineOClock)
		l.event(customerStart, "sqs:q", nineOClock)
		reported := nineOClock - report + phase*200
		l.progress("sqs:q", reported)
		end := nineOClock + 10_000
		l.event(customerEnd, "sqs:q", end)
		looks := 0
		for at := end; ; at += 100 {
			if reported+report+200 <= at { // it takes a moment to come
				reported += report
				l.progress("sqs:q", reported)
			}
			if at-l.now < 1_000 {
				continue
			}
			due, ok, err := l.driver.NextDue()
			if err != nil || !ok {
				t.Fatal(due, ok, err)
			}
			if due > end+60*oneMinute {
				if at > end+3*oneMinute {
					t.Errorf("phase %d: closed %d ms after the end", phase, at-end)
				}
				break
			}
			if due <= at {
				looks++
			}
			l.tick(at)
			if err := l.driver.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		if looks != 1 {
			t.Errorf("phase %d: %d looks, want one", phase, looks)
		}
	}
}
