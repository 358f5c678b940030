package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/localtest"
	"unpark/schemas"
)

// TestOutage is cases 13 and 14 of SLA.md on a real broker with real ticks: the
// processor is down while warnings fall due. On return nothing is raised for the
// conversations that ended meanwhile, whose ends are the last thing in the
// backlog; each of the others is warned of once, with the due time it had.
func TestOutage(t *testing.T) {
	parallel(t)
	d := deploy(t, localtest.SharedKafka(t), "")
	dir := d.folder("processor")
	p := d.runFolder("before", dir, "processor").ready()
	const each = 50
	cl := client(t, d.broker)
	start := time.Now().Add(-warning.at + 20*time.Second).Truncate(time.Millisecond)
	var open []escalation
	for i := range each {
		d.happens(cl, fmt.Sprintf("open-%d", i), schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, start)
		d.happens(cl, fmt.Sprintf("over-%d", i), schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, start)
		open = append(open, raised(orgs[0], fmt.Sprintf("open-%d", i), "message", start, warning))
	}
	eventually(t, 30*time.Second, "the processor has read them", func() error { return d.readByProcessor(cl, 2*each) })
	p.stop()
	if time.Now().After(start.Add(warning.at)) {
		t.Fatal("the machine is too slow for this test: the warnings fell due before the outage")
	}
	until(t, start.Add(warning.at+4*time.Second))
	for i := range each {
		d.happens(cl, fmt.Sprintf("over-%d", i), schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END, start.Add(time.Hour))
	}
	told := follow(d, "escalations")
	p = d.runFolder("after", dir, "processor").ready()
	eventually(t, 30*time.Second, "the open ones are warned of", func() error {
		if n := told.count(); n < each {
			return fmt.Errorf("%d of %d", n, each)
		}
		return nil
	})
	until(t, time.Now().Add(4*time.Second)) // for what must not come
	if diff := cmp.Diff(sorted(open), sorted(told.escalations())); diff != "" {
		t.Errorf("escalations (-want +got):\n%s", diff)
	}
	p.stop()
	t.Log(d.unpark("verify", "--config", dir))
}

// happens puts an event of a message conversation straight onto the input.
func (d *deployment) happens(cl *kgo.Client, conversation string, topic schemas.EventTopic, at time.Time) {
	d.t.Helper()
	value, err := (&schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{
		OrgId: orgs[0], ConversationId: conversation, Topic: topic, SessionId: "s-" + conversation, EventTimeMs: at.UnixMilli(),
		MediaType: "message", MessageType: "whatsapp", Direction: "inbound",
	}}}).MarshalVT()
	if err != nil {
		d.t.Fatal(err)
	}
	r := &kgo.Record{Topic: d.topic("conversation-events"), Key: []byte(conversation), Value: value}
	if err := cl.ProduceSync(d.t.Context(), r).FirstErr(); err != nil {
		d.t.Fatal(err)
	}
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
