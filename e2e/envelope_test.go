package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// envelope is what EventBridge delivers to a queue.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

func (e envelope) body() []byte { return marshal(e) }

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers and maps of them always marshal
	}
	return b
}

// What is personal in every envelope that tests send. None of it may get past
// the bridge.
const (
	customerAddress = "jane.roe@customer.example"
	subjectLine     = "My invoice 4711 is wrong"
)

// newEnvelope wraps a body as Genesys does: published a moment after it happened,
// by EventBridge's clock of whole seconds.
func newEnvelope(org, detailType, topicName string, at time.Time, body map[string]any) envelope {
	published := at.Add(264 * time.Millisecond).UTC()
	return envelope{
		Version: "0", ID: fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()), DetailType: detailType,
		Source:  "aws.partner/genesys.com/cloud/" + org + "/e2e",
		Account: "123456789012", Region: "eu-west-1", Resources: []string{}, Time: published.Format("2006-01-02T15:04:05Z"),
		Detail: marshal(map[string]any{
			"topicName": topicName, "version": "2", "eventBody": body,
			"metadata": map[string]string{"CorrelationId": "e2e"}, "timestamp": instant(published),
		}),
	}
}

// malformed are envelopes that cannot be used, by the reason why; i makes each
// one different from the rest.
var malformed = map[string]func(i int) []byte{
	"not_json": func(i int) []byte {
		return fmt.Appendf(nil, `{"detail-type": "v2.detail.events.conversation.{id}.acd.start", "id": "%d", "addressFrom": "%s`, i, customerAddress)
	},
	"wrong_envelope": func(i int) []byte {
		return marshal(map[string]any{"message": subjectLine, "from": customerAddress, "number": i})
	},
	"unknown_topic": func(i int) []byte {
		return broken(i, func(kind *string, _ map[string]any) { *kind = "v2.users.{id}.presence" })
	},
	"missing_id": func(i int) []byte {
		return broken(i, func(_ *string, body map[string]any) { delete(body, "conversationId") })
	},
	"bad_time": func(i int) []byte {
		at := []time.Time{time.Unix(int64(i), 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}[i%2]
		return broken(i, func(_ *string, body map[string]any) { body["eventTime"] = at.UnixMilli() })
	},
	"time_ahead": func(i int) []byte {
		return broken(i, func(_ *string, body map[string]any) { body["eventTime"] = time.Now().Add(time.Hour).UnixMilli() })
	},
}

// broken is a good envelope with one thing changed.
func broken(i int, change func(detailType *string, body map[string]any)) []byte {
	now := time.Now()
	s := newStory(orgs[0], fmt.Sprintf("broken-%d", i))
	kind, body := detailType("customer.start"), s.common("customer", now)
	change(&kind, body)
	return newEnvelope(s.org, kind, s.topicName("customer.start"), now, body).body()
}

// malformedBodies returns n of them, the reasons in turn, and how many there are
// of each.
func malformedBodies(n int) (bodies [][]byte, reasons map[string]int) {
	reasons = make(map[string]int)
	names := slices.Sorted(maps.Keys(malformed))
	for i := range n {
		reason := names[i%len(names)]
		reasons[reason]++
		bodies = append(bodies, malformed[reason](i/len(names)))
	}
	return bodies, reasons
}
