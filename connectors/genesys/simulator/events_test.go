package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"unpark/connectors/eventbridge"
)

// event is what a test needs of an envelope.
type event struct {
	ID         string `json:"id"`
	DetailType string `json:"detail-type"`
	Time       time.Time
	Detail     struct {
		TopicName, Version, Timestamp string
		Metadata                      map[string]string
		EventBody                     answer
	}
}

func (e event) topic() string {
	return strings.TrimPrefix(e.DetailType, "v2.detail.events.conversation.{id}.")
}

func (e event) at() int64 { return int64(e.Detail.EventBody["eventTime"].(float64)) }

// key is the same for every delivery of an event, published anew or not.
func (e event) key() string {
	b := e.Detail.EventBody
	return fmt.Sprint(e.topic(), b.text("conversationId"), b.text("participantId"), b.text("sessionId"), e.at())
}

func events(t interface{ Fatal(...any) }, all []Delivered) []event {
	list := make([]event, len(all))
	for i, d := range all {
		if err := json.Unmarshal(d.Envelope, &list[i]); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

const week = 7 * 24 * time.Hour

// TestEventsHaveTheFieldsOfTheirTopic compares what a week publishes with the
// fields that each topic has, and has the bridge read all of it.
func TestEventsHaveTheFieldsOfTheirTopic(t *testing.T) {
	f := newField(t, nil)
	f.Populate(400, monday, monday.Add(4*24*time.Hour), Stories())
	f.Open(Opening{At: monday, Attributes: map[string]string{"vip": "yes"}}, parked)
	all := f.Deliver(monday.Add(2 * week))
	common := strings.Fields(`eventTime conversationId participantId sessionId mediaType provider direction ani dnis addressTo addressFrom
		subject messageType conversationExternalContactIds`)
	routed := []string{"divisionId", "queueId", "userId"}
	fields := map[string][]string{
		"acd.start":       {"queueId", "divisionId", "routingPriority"},
		"acd.end":         {"disconnectType", "queueId", "divisionId", "acdOutcome", "answeredUserId", "requestedRoutings", "usedRouting", "routingPriority", "connectedDurationMs"},
		"acw":             {"userId", "queueId", "wrapupCode", "wrapupNotes", "wrapupDurationMs"},
		"attributes":      {"attributes", "communications"},
		"contact":         {"externalContactId", "divisionId"},
		"customer.start":  {"externalContactId", "divisionId"},
		"customer.end":    {"externalContactId", "divisionId", "disconnectType", "interactingDurationMs"},
		"flow.start":      {"flowType", "flowId", "flowVersion", "divisionId"},
		"flow.end":        {"flowType", "flowId", "flowVersion", "divisionId", "disconnectType", "exitReason", "transferType", "connectedDurationMs"},
		"flow.outcome":    {"flowType", "flowId", "flowVersion", "divisionId", "flowOutcomeId", "flowOutcomeStartTime", "flowOutcomeEndTime", "flowOutcomeValue", "flowMilestones"},
		"outbound":        {"outboundCampaignId", "outboundContactListId", "outboundContactId", "divisionId"},
		"user.start":      routed,
		"user.end":        append(strings.Fields("disconnectType interactingDurationMs heldDurationMs alertingDurationMs contactingDurationMs dialingDurationMs callbackDurationMs"), routed...),
		"voicemail.start": routed,
		"voicemail.end":   append([]string{"disconnectType", "voicemailDurationMs"}, routed...),
		"wrapup":          {"queueId", "wrapupCode", "wrapupDurationMs"},
	}
	missing := maps.Clone(fields)
	for i, e := range events(t, all) {
		delete(missing, e.topic())
		for name, value := range e.Detail.EventBody {
			if !slices.Contains(common, name) && !slices.Contains(fields[e.topic()], name) || value == nil || value == "" {
				t.Errorf("%s has %s: %v", e.topic(), name, value)
			}
		}
		if e.Detail.TopicName != "v2.detail.events.conversation."+e.Detail.EventBody.text("conversationId")+"."+e.topic() || e.Detail.Version != "2" ||
			e.Detail.Metadata["CorrelationId"] == "" || e.Time.UnixMilli() > all[i].At.UnixMilli() {
			t.Errorf("the envelope of %s: %+v", e.topic(), e)
		}
		if _, err := eventbridge.Decode(all[i].Envelope, func(string) ([]string, bool) { return nil, true }); err != nil {
			t.Errorf("%s: %v", e.topic(), err)
		}
	}
	if len(missing) > 0 {
		t.Errorf("never published: %v", slices.Sorted(maps.Keys(missing)))
	}
}

func TestDeliveryIsDisorderlyAndTwice(t *testing.T) {
	f := newField(t, func(c *Config) {
		c.Delivery = Delivery{Delay: 3 * time.Second, Late: 0.05, LateBy: time.Hour, Duplicates: 0.1}
	})
	f.Populate(100, monday, monday.Add(8*time.Hour), Stories())
	all := f.Deliver(monday.Add(2 * week))
	seen, ids, again, anew, disorder := map[string]bool{}, map[string]bool{}, 0, 0, 0
	var last int64
	for _, e := range events(t, all) {
		if seen[e.key()] {
			again++
			if !ids[e.ID] {
				anew++
			}
		}
		if e.at() < last {
			disorder++
		}
		seen[e.key()], ids[e.ID], last = true, true, max(last, e.at())
	}
	if n := len(all); again < n/20 || anew < n/40 || anew == again || disorder < n/20 {
		t.Errorf("of %d: %d again, %d of them anew, %d out of order", n, again, anew, disorder)
	}
	if !slices.IsSortedFunc(all, func(a, b Delivered) int { return a.At.Compare(b.At) }) {
		t.Error("not handed over in the order of delivery")
	}
}

func TestEqualSeedsPlayEqualWeeks(t *testing.T) {
	play := func(seed uint64, look bool) []byte {
		f := newField(t, func(c *Config) {
			c.Seed = seed
			c.Delivery = Delivery{Delay: time.Second, Duplicates: 0.1}
			c.Limits.TokenTTL = week
		})
		ids := f.Populate(50, monday, monday.Add(24*time.Hour), Stories())
		var all []byte
		for at := monday; at.Before(monday.Add(4 * 24 * time.Hour)); at = at.Add(7 * time.Hour) {
			f.step(at)
			if look {
				f.call("GET", "/api/v2/conversations/"+ids[0], "")
			}
			for _, d := range f.Deliver(at) {
				all = append(append(all, d.Envelope...), d.At.String()...)
			}
		}
		return all
	}
	if !bytes.Equal(play(1, false), play(1, true)) {
		t.Error("looking changed the week")
	}
	if bytes.Equal(play(1, false), play(2, false)) {
		t.Error("another seed played the same week")
	}
}

// TestTruthEventsAndAnswersAgree looks at every conversation at some instants of
// a random week, under random readings of what is unknown.
func TestTruthEventsAndAnswersAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var parkingEnds bool
		f := newField(t, func(c *Config) {
			c.Seed = rapid.Uint64().Draw(rt, "seed")
			c.MultiAction = rapid.Bool().Draw(rt, "multi action")
			c.Unknowns.MailStartsSession = rapid.Bool().Draw(rt, "mail starts session")
			c.Unknowns.ReopenKeepsParticipant = rapid.Bool().Draw(rt, "reopen keeps participant")
			parkingEnds = rapid.Bool().Draw(rt, "parking ends session")
			c.Unknowns.ParkingEndsSession = parkingEnds
			c.Limits = Limits{PerMinute: 1e6, TokenTTL: 2 * week}
		})
		ids := f.Populate(13, monday, monday.Add(10*time.Hour), Stories())
		var all []Delivered
		var looks []look
		for _, minute := range rapid.SliceOfNDistinct(rapid.IntRange(0, 5*24*60), 3, 3, rapid.ID[int]).Draw(rt, "minutes") {
			looks = append(looks, look{parkingEnds: parkingEnds, at: monday.Add(time.Duration(minute)*time.Minute + 123*time.Millisecond)})
		}
		slices.SortFunc(looks, func(a, b look) int { return a.at.Compare(b.at) })
		for i := range looks {
			f.step(looks[i].at)
			all = append(all, f.Deliver(looks[i].at)...)
			looks[i].truth = f.Truth()
			for _, id := range ids {
				_, _, a := f.call("GET", "/api/v2/conversations/"+id, "")
				_, _, thread := f.call("GET", "/api/v2/conversations/emails/"+id+"/messages", "")
				looks[i].answers = append(looks[i].answers, a)
				looks[i].threads = append(looks[i].threads, thread)
			}
		}
		all = append(all, f.Deliver(monday.Add(2*week))...)
		for _, l := range looks {
			l.compare(rt, events(rt, all))
		}
	})
}

// look is what was to be seen at an instant.
type look struct {
	at          time.Time
	parkingEnds bool
	truth       []Truth
	answers     []answer
	threads     []answer
}

func (l look) compare(t *rapid.T, all []event) {
	for i, truth := range l.truth {
		a := l.answers[i]
		if len(truth.Episodes) == 0 {
			if a.text("code") != "not.found" {
				t.Fatalf("%s at %v: not begun, and there: %v", truth.Story, l.at, a)
			}
			continue
		}
		if diff := cmp.Diff(opened(truth, all, l.at), legsOf(a, l.parkingEnds)); diff != "" {
			t.Fatalf("%s at %v: open sessions by the events and by the API: %s", truth.Story, l.at, diff)
		}
		var want []string
		for _, turn := range truth.Turns {
			if turn.By != Bot || truth.Media == Message {
				want = append(want, fmt.Sprint(iso(turn.At), " ", turn.By))
			}
		}
		if got := written(truth, a, l.threads[i]); truth.Media != Voice && !slices.Equal(want, got) {
			t.Fatalf("%s at %v: wrote %v, says the API %v", truth.Story, l.at, want, got)
		}
		if last := truth.Episodes[len(truth.Episodes)-1]; a.text("endTime") != "" && last.Until.IsZero() {
			t.Fatalf("%s at %v: ended at %s, and truly goes on", truth.Story, l.at, a.text("endTime"))
		}
	}
}

// opened are the sessions that by the events up to an instant are open.
func opened(truth Truth, all []event, at time.Time) map[string]bool {
	begun, ended := map[string]bool{}, map[string]bool{}
	for _, e := range all {
		b := e.Detail.EventBody
		if b.text("conversationId") != truth.Conversation || e.at() > at.UnixMilli() {
			continue
		}
		_, kind, _ := strings.Cut(e.topic(), ".")
		switch kind {
		case "start":
			begun[b.text("sessionId")] = true
		case "end":
			ended[b.text("sessionId")] = true
		}
	}
	maps.DeleteFunc(begun, func(id string, _ bool) bool { return ended[id] })
	return begun
}

// legsOf are the sessions that the API shows as open, without those that were
// told to be closed because they are parked.
func legsOf(a answer, parkingEnds bool) map[string]bool {
	open := map[string]bool{}
	for _, p := range a.list("participants") {
		for _, key := range []string{"emails", "messages", "calls"} {
			for _, l := range p.list(key) {
				if l.text("disconnectedTime") == "" && (l.text("state") != "parked" || !parkingEnds) {
					open[l.text("id")] = true
				}
			}
		}
	}
	return open
}

// written is who wrote when, as one has to find out from the API.
func written(truth Truth, a, thread answer) []string {
	var all []string
	machines := map[string]bool{}
	for _, p := range a.list("participants") {
		by := map[string]Author{"customer": Customer, "agent": Agent, "workflow": Bot}[p.text("purpose")]
		for _, l := range p.list("messages") {
			for _, m := range l.list("messages") {
				if m.text("messageStatus") != "delivery-failed" && m.object("messageMetadata").text("type") == "Text" {
					all = append(all, m.text("messageTime")+" "+string(by))
				}
			}
		}
		for _, l := range p.list("emails") {
			if generated, _ := l["autoGenerated"].(bool); generated {
				machines[l.text("messageId")] = true
			}
		}
	}
	customer := a.participants("customer")[0].text("address")
	for _, m := range thread.list("entities") {
		by := Agent
		if m.object("from").text("email") == customer {
			by = Customer
		}
		if m.text("draftType") == "" && !machines[m.text("id")] {
			all = append(all, m.text("time")+" "+string(by))
		}
	}
	slices.Sort(all)
	return all
}
