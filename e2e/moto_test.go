package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"

	"unpark/internal/localtest"
)

// TestMoto goes the way through AWS: events are put on a bus, a rule has them
// delivered to a queue, and unpark, all roles in one process, tells of them.
func TestMoto(t *testing.T) {
	parallel(t)
	endpoint := localtest.SharedMoto(t)
	q := createQueue(t, endpoint, "genesys", nil)
	b := createBus(t, endpoint, q)
	d := deploy(t, localtest.SharedKafka(t), q.source())
	log := follow(d, "escalations")

	var stories []*story
	for i, plot := range []func(*story, time.Time){parked, silent, spoken, stranger, parked, silent} {
		s := newStory(orgs[i%len(orgs)], fmt.Sprintf("moto-%d", i))
		plot(s, time.Now().Add(-time.Duration(5+i)*time.Hour).Truncate(time.Millisecond))
		stories = append(stories, s)
	}
	var want []escalation
	for _, s := range stories {
		b.put(s.events)
		want = append(want, s.want...)
	}
	p := d.run("unpark")
	delivered(t, d, want, 2*time.Minute)
	p.ready().stop()
	p.noErrors()
	if diff := cmp.Diff(sorted(want), sorted(log.escalations())); diff != "" {
		t.Errorf("on the topic (-want +got):\n%s", diff)
	}
	if n := q.size(); n != 0 {
		t.Errorf("%d messages are left in the queue", n)
	}
}

// bus is one of EventBridge, with a rule like the one that deploy describes.
type bus struct {
	t      *testing.T
	client *eventbridge.Client
	name   *string
}

func createBus(t *testing.T, endpoint string, to *queue) *bus {
	t.Helper()
	b := &bus{t: t, name: aws.String("genesys-e2e"), client: eventbridge.New(eventbridge.Options{
		BaseEndpoint: &endpoint, Region: localtest.Region, Credentials: anyone,
	})}
	rule := aws.String("to-unpark")
	if _, err := b.client.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: b.name}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.PutRule(t.Context(), &eventbridge.PutRuleInput{
		Name: rule, EventBusName: b.name, EventPattern: aws.String(`{"source": [{"prefix": "aws.partner/genesys.com"}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: rule, EventBusName: b.name, Targets: []types.Target{{Id: aws.String("queue"), Arn: &to.arn}},
	}); err != nil {
		t.Fatal(err)
	}
	return b
}

// put is what Genesys does; EventBridge makes the envelope.
func (b *bus) put(events []envelope) {
	b.t.Helper()
	for batch := range slices.Chunk(events, 10) {
		in := &eventbridge.PutEventsInput{}
		for _, e := range batch {
			in.Entries = append(in.Entries, types.PutEventsRequestEntry{
				EventBusName: b.name, Source: &e.Source, DetailType: &e.DetailType, Detail: aws.String(string(e.Detail)), Time: aws.Time(taken(b.t, e)),
			})
		}
		out, err := b.client.PutEvents(b.t.Context(), in)
		if err != nil || out.FailedEntryCount != 0 {
			answer, _ := json.Marshal(out)
			b.t.Fatalf("put events: %v, %s", err, answer)
		}
	}
}

func taken(t *testing.T, e envelope) time.Time {
	at, err := time.Parse(time.RFC3339, e.Time)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
