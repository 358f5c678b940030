package e2e

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	// window is the time in which the second act falls due.
	window = 8 * time.Second
	// behindFrom is the age of messages from which on the bridge says that it is
	// behind; of younger ones that it reads as fast as the queue fills.
	behindFrom = 10 * time.Second
)

// play is all the stories of a test and the messages that tell them.
type play struct {
	rand      *rand.Rand
	total     int // messages
	stories   []*story
	malformed [][]byte
	reasons   map[string]int
	ripe      time.Time // all is due by then, and all messages are old
}

func newPlay(total int) *play {
	p := &play{rand: rand.New(rand.NewPCG(2026, 3)), total: total}
	p.malformed, p.reasons = malformedBodies(total / 100)
	return p
}

func (p *play) usable() int { return p.total - len(p.malformed) }

// want is what must be told.
func (p *play) want() []escalation {
	var want []escalation
	for _, s := range p.stories {
		want = append(want, s.want...)
	}
	return want
}

// act is n stories of one plot, begun at any time of a stretch.
type act struct {
	n      int
	name   string
	plot   func(*story, time.Time)
	from   time.Time
	within time.Duration
}

func (p *play) write(acts ...act) []*story {
	var stories []*story
	for _, a := range acts {
		for i := range a.n {
			s := newStory(orgs[i%len(orgs)], fmt.Sprintf("%s-%d", a.name, i))
			s.begun = a.from.Add(time.Duration(p.rand.Int64N(a.within.Milliseconds())) * time.Millisecond).Truncate(time.Millisecond)
			a.plot(s, s.begun)
			stories = append(stories, s)
		}
	}
	return stories
}

// first is right whatever the order: what has been due for hours, and what will
// not be for minutes. The latter is as much as the total leaves room for.
func (p *play) first(now time.Time, room int) []*story {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	stories := p.write(
		act{700, "parked", parked, ago(9 * time.Hour), 4 * time.Hour},
		act{200, "silent", silent, ago(9 * time.Hour), 4 * time.Hour},
		act{200, "spoken", spoken, ago(9 * time.Hour), 5 * time.Hour},
		act{100, "stranger", stranger, ago(9 * time.Hour), 4 * time.Hour},
	)
	for i := 0; messages(stories) <= room-longest; i += 50 {
		n := min(50, (room-messages(stories))/longest)
		stories = append(stories, p.write(act{n, fmt.Sprintf("young-%d", i), young, ago(3 * time.Hour), 150 * time.Minute})...)
	}
	return stories
}

// longest is the number of messages of the longest story.
const longest = 7

// second falls due in the window that begins at base.
func (p *play) second(base time.Time) []*story {
	from := base.Add(-warning.at)
	return p.write(
		act{600, "waiting", waiting, from, window},
		act{900, "over", over, from, window},
		act{300, "answered", answered, from, window},
		act{300, "again", again, from, window - 4*time.Second},
		act{300, "crossing", crossing, from, window},
	)
}

func messages(stories []*story) (n int) {
	for _, s := range stories {
		n += len(s.events) + len(s.last)
	}
	return n
}

// fill sends the first act, with all that is malformed and some duplicates, then
// the second, which must be in the queue before any of it is due, and as the very
// last messages the ends of what is over.
func (p *play) fill(t *testing.T, q *queue) {
	t.Helper()
	begun := time.Now()
	coming := messages(p.second(begun))
	first := p.first(begun, p.usable()-p.total/100-coming)
	duplicates := p.usable() - coming - messages(first)
	opening := p.interleave(first, duplicates, p.malformed)
	q.send(opening)
	took := time.Since(begun)
	t.Logf("the first %d messages were sent at %.0f/s", len(opening), float64(len(opening))/took.Seconds())

	// Twice the time that it should take, for a machine that is busy with others.
	base := time.Now().Add(max(10*time.Second, 2*took*time.Duration(coming)/time.Duration(len(opening))))
	second := p.second(base)
	q.send(p.interleave(second, 0, nil))
	var last [][]byte
	for _, s := range second {
		for _, e := range s.last {
			last = append(last, e.body())
		}
	}
	q.send(last)
	if now := time.Now(); now.After(base) {
		t.Fatalf("the queue was filled too slowly: the last message %v after the first was due", now.Sub(base))
	}
	p.stories = append(first, second...)
	p.ripe = base.Add(window + 2*time.Second)
	if old := time.Now().Add(behindFrom); old.After(p.ripe) {
		p.ripe = old
	}
}

// placed is a message and where in the stream it stands, from 0 to 1.
type placed struct {
	at   float64
	body []byte
}

// interleave mixes the events of all stories, each story's in their order but for
// one in twenty; of some there are duplicates, and anything else is among them.
func (p *play) interleave(stories []*story, copies int, others [][]byte) [][]byte {
	var all []placed
	for _, s := range stories {
		at := make([]float64, len(s.events))
		for i := range at {
			at[i] = p.rand.Float64()
		}
		slices.Sort(at)
		at[0] *= 1 - apart
		for i, e := range s.events {
			if i > 0 && p.rand.IntN(20) == 0 {
				at[i] = p.rand.Float64()
			}
			all = append(all, placed{at[i], e.body()})
		}
	}
	for i := range copies {
		s := stories[p.rand.IntN(len(stories))]
		e := s.events[p.rand.IntN(len(s.events))]
		if i%2 == 0 {
			e.ID = "again-" + e.ID // published anew, not delivered again
		}
		all = append(all, placed{1 - apart*p.rand.Float64(), e.body()})
	}
	for _, body := range others {
		all = append(all, placed{p.rand.Float64(), body})
	}
	slices.SortFunc(all, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	bodies := make([][]byte, len(all))
	for i, one := range all {
		bodies[i] = one.body
	}
	return bodies
}

// apart is more of the stream than the senders and the bridge mix up themselves.
const apart = 0.1

// epilogue ends some conversations that people were told of: now, which clears
// what was raised, or so early that it was never due.
func (p *play) epilogue(q *queue) {
	var bodies [][]byte
	for _, s := range p.stories {
		var end time.Time
		var status string
		switch {
		case strings.HasPrefix(s.id, "parked-1"):
			end, status = time.Now(), "cleared"
		case strings.HasPrefix(s.id, "waiting-1"):
			end, status = s.begun.Add(time.Hour), "retracted"
		default:
			continue
		}
		bodies = append(bodies, s.envelope("customer.end", "customer", end).body())
		for _, e := range slices.Clone(s.want) {
			s.want = append(s.want, e.become(status))
		}
	}
	q.send(bodies)
}
