package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/localtest"
)

// outages are what is down while promises fall due, and so where the backlog
// gathers.
var outages = []struct {
	name string
	down []string // roles
	long bool     // TestFiftyThousand is its short form
}{
	{"backlog in Kafka", []string{"processor"}, false},
	{"backlog in SQS", []string{"bridge", "processor"}, true},
	{"only the bridge down", []string{"bridge"}, false},
}

// TestOutage is cases 13 and 14 of SLA.md on a real broker and a real queue with
// real ticks: warnings fall due during an outage, in which six hours of events
// pile up. On return nothing is raised for conversations whose end is somewhere
// in the backlog; each of the others is told of once, with the due time it had.
func TestOutage(t *testing.T) {
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) {
			if o.long {
				long(t)
			}
			parallel(t)
			report(t, faultSection, "outage, six hours of events: "+o.name, 1, comeBack(t, o.down))
		})
	}
}

// comeBack returns what verify said in the end.
func comeBack(t *testing.T, down []string) string {
	sqs := localtest.SharedElasticMQ(t)
	name := strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())
	q := createQueue(t, sqs, name, createQueue(t, sqs, name+"-dead", nil))
	d := deploy(t, localtest.SharedKafka(t), q.source())
	told := follow(d, "escalations")
	roles := newRoles(d, "bridge", "processor")

	p := newPlay(0)
	due := time.Now().Add(10*time.Second + time.Duration(tries(t))*15*time.Second) // by then all is to be sent
	before := p.write(act{40, "open", waiting, due.Add(-warning.at), time.Second}, act{40, "over", over, due.Add(-warning.at), time.Second})
	opening, ends := parts(before)
	q.send(opening)
	roles.carried(len(opening))
	roles.stop(down)
	backlog := p.sixHours(100*tries(t), time.Now(), due)
	if !slices.Contains(down, "bridge") {
		backlog = append(backlog, p.finished(100*tries(t), time.Now())...)
	}
	middle, more := parts(backlog)
	q.send(middle)
	q.send(append(ends, more...)) // the last word of the backlog is that they are over
	if time.Now().After(due) {
		t.Fatal("the machine is too slow for this test: the warnings fell due before the backlog was sent")
	}
	until(t, due.Add(behindFrom+2*time.Second)) // all messages are old by then
	if n := told.count(); n > 0 {
		t.Errorf("%d escalations were told during the outage", n)
	}
	if !slices.Contains(down, "bridge") {
		roles.carried(len(opening) + len(middle) + len(ends) + len(more))
	}
	roles.start(down)
	var want []escalation
	for _, s := range append(before, backlog...) {
		want = append(want, s.want...)
	}
	eventually(t, time.Minute, "all is told", func() error {
		if n := told.count(); n < len(want) {
			return fmt.Errorf("%d of %d", n, len(want))
		}
		return nil
	})
	until(t, time.Now().Add(4*time.Second)) // for what must not come
	if diff := cmp.Diff(sorted(want), sorted(told.escalations())); diff != "" {
		t.Errorf("escalations (-want +got):\n%.4000s", diff)
	}
	roles.stop([]string{"bridge", "processor"})
	return fmt.Sprintf("%d messages, %d escalations as expected; %s", len(opening)+len(middle)+len(ends)+len(more), len(want),
		strings.TrimSpace(d.unpark("verify", "--config", d.folder("verify"))))
}

// sixHours is what happened in six hours of an outage that ends now: n stories of
// each plot that are right whatever their order, and as many whose promises fall due
// from an instant on when all has been sent, of which some are over by the last of the
// messages. (What is due by the time up to which the queue was read may be judged.)
func (p *play) sixHours(n int, now, due time.Time) []*story {
	return p.write(
		act{n, "parked", parked, now.Add(-10 * time.Hour), 6*time.Hour - time.Minute}, // breaches are due, too
		act{n, "silent", silent, now.Add(-10 * time.Hour), 5 * time.Hour},
		act{n, "young", young, now.Add(-3 * time.Hour), 150 * time.Minute},
		act{n, "waited", waiting, due.Add(-warning.at), time.Second},
		act{n, "left", over, due.Add(-warning.at), time.Second},
		act{n, "answered", answered, due.Add(-warning.at), time.Second},
	)
}

// finished is what nobody must be told of because of what stands behind it in
// Kafka, however long ago it would have been due.
func (p *play) finished(n int, now time.Time) []*story {
	return p.write(
		act{n, "gone", over, now.Add(-10 * time.Hour), 6 * time.Hour},
		act{n, "answered-late", answered, now.Add(-10 * time.Hour), 6 * time.Hour},
	)
}

// parts returns the messages of stories, and those that come last.
func parts(stories []*story) (first, last [][]byte) {
	for _, s := range stories {
		for _, e := range s.events {
			first = append(first, e.body())
		}
		for _, e := range s.last {
			last = append(last, e.body())
		}
	}
	return first, last
}

// roles are processes by their role.
type roles struct {
	d       *deployment
	client  *kgo.Client
	dirs    map[string]string
	running map[string]*process
}

func newRoles(d *deployment, names ...string) *roles {
	d.t.Helper()
	r := &roles{d: d, client: client(d.t, d.broker), dirs: map[string]string{}, running: map[string]*process{}}
	for _, role := range names {
		r.dirs[role] = d.folder(role)
	}
	r.start(names)
	return r
}

func (r *roles) start(names []string) {
	r.d.t.Helper()
	for _, role := range names {
		r.running[role] = r.d.runFolder(role, r.dirs[role], role).ready()
	}
}

func (r *roles) stop(names []string) {
	r.d.t.Helper()
	for _, role := range names {
		r.running[role].stop()
		r.running[role].noErrors()
	}
}

// carried waits until the bridge has carried n messages over and the processor,
// if it runs, has worked all that is on its input.
func (r *roles) carried(n int) {
	r.d.t.Helper()
	eventually(r.d.t, time.Minute, "the bridge carries the messages over", func() error {
		return r.running["bridge"].atLeast("unpark_bridge_produced_total", n)
	})
	select {
	case <-r.running["processor"].exited:
	default:
		eventually(r.d.t, time.Minute, "the processor has read them", func() error { return r.d.workedUp(r.client) })
	}
}

// workedUp says whether the processor's group has come to where the input ends
// now.
func (d *deployment) workedUp(cl *kgo.Client) error {
	adm := kadm.NewClient(cl)
	ends, err := adm.ListEndOffsets(d.t.Context(), d.topic("conversation-events"))
	if err != nil {
		return err
	}
	want := int64(0)
	ends.Each(func(o kadm.ListedOffset) { want += o.Offset })
	return poll(d.t, time.Now().Add(30*time.Second), func() error { return d.readByProcessor(cl, want) })
}

// readByProcessor says whether the processor's group has committed n records or
// more.
func (d *deployment) readByProcessor(cl *kgo.Client, n int64) error {
	offsets, err := kadm.NewClient(cl).FetchOffsets(d.t.Context(), d.prefix[:len(d.prefix)-1]+"-processor")
	if err != nil {
		return err
	}
	sum := int64(0)
	offsets.Each(func(o kadm.OffsetResponse) { sum += o.At })
	if sum < n {
		return fmt.Errorf("%d of %d records", sum, n)
	}
	return nil
}
