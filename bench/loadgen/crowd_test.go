package loadgen

import (
	"testing"
	"time"

	"unpark/schemas"
)

// TestCrowdIsNeverAtALoss has more happen to a crowd at one instant than there is to
// happen: every conversation lives as it should all the same.
func TestCrowdIsNeverAtALoss(t *testing.T) {
	c := Crowd{Open: 5, Partitions: 1, Seed: 1, End: time.UnixMilli(0)}
	c.Begin()
	last := make(map[string]schemas.EventTopic)
	for slot := range c.Open {
		_, id, _ := c.State(slot)
		last[id] = lifetime[parked-1]
	}
	follows := make(map[schemas.EventTopic]schemas.EventTopic)
	for i, topic := range lifetime[1:] {
		follows[topic] = lifetime[i]
	}
	for range 1000 {
		e := c.Event(0)
		if last[e.ConversationId] != follows[e.Topic] {
			t.Fatalf("%v comes behind %v", e.Topic, last[e.ConversationId])
		}
		last[e.ConversationId] = e.Topic
	}
}
