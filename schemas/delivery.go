package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// States of a Delivery.
const (
	// DeliveryPending: something is still to be told.
	DeliveryPending = "pending"
	// DeliverySent: everything was told.
	DeliverySent = "sent"
	// DeliveryFailed: it was given up and is on dead-letters.
	DeliveryFailed = "failed"
	// DeliveryCancelled: the alert was over before it could be told.
	DeliveryCancelled = "cancelled"
)

// Delivery is a record of the deliveries topic: what one destination has been
// told of one escalation, and what it is still to be told. Its partition is that
// of the escalation, so that who owns the one owns the other.
type Delivery struct {
	State        string `json:"state"`
	Escalation   string `json:"escalation"`
	Org          string `json:"org"`
	Conversation string `json:"conversation"`
	Destination  string `json:"destination"` // org/route/index
	// Status is that of the escalation's newest record, Told the one that was told
	// last (empty: nothing was). Since is when Status, or Notice, became due to be told.
	Status string  `json:"status"`
	Told   string  `json:"told,omitempty"`
	Since  Instant `json:"since"`
	ToldAt Instant `json:"toldAt,omitempty"`
	// RaisedAt is when the alert was raised.
	RaisedAt Instant `json:"raisedAt"`
	// Address is a fingerprint of the destination's configuration that was told,
	// Reference how that destination finds its message again.
	Address   string `json:"address,omitempty"`
	Reference string `json:"reference,omitempty"`
	// Digest is the key of the digest in which the alert was told, Queue and Agent
	// its line in it. All alerts of the digest lie in DigestPartitions of this topic
	// ("0-3,7"); DigestLate: it told what could not be told in time.
	Digest           string `json:"digest,omitempty"`
	DigestPartitions string `json:"digestPartitions,omitempty"`
	DigestLate       bool   `json:"digestLate,omitempty"`
	Queue            string `json:"queue,omitempty"`
	Agent            string `json:"agent,omitempty"`
	// Notice is what else is to be told: acknowledge, snooze or remind.
	Notice       string  `json:"notice,omitempty"`
	Acknowledged *Mark   `json:"acknowledged,omitempty"`
	Snoozed      *Mark   `json:"snoozed,omitempty"`
	Reminders    int     `json:"reminders,omitempty"`
	RemindAt     Instant `json:"remindAt,omitempty"`
	// Reason is why it was given up.
	Reason string `json:"reason,omitempty"`
	// Offset is that of Record on escalations.
	Offset int64 `json:"offset"`
	// Record is the escalation as it stands there. It is the last field: others come
	// before it.
	Record json.RawMessage `json:"record"`
}

// Mark is an acknowledgement or a snooze.
type Mark struct {
	// By is who pressed the button or gave the command, as people know them.
	By string `json:"by"`
	// At is when, Until how long it holds.
	At    Instant `json:"at"`
	Until Instant `json:"until"`
}

// Key is the record's key.
func (d *Delivery) Key() string { return DeliveryKey(d.Escalation, d.Destination) }

// DeliveryKey is the key of a Delivery.
func DeliveryKey(escalation, destination string) string { return escalation + "/" + destination }

// EncodeDelivery returns the record's value. Record, which is most of it, must be
// JSON and is taken as it stands.
func EncodeDelivery(d *Delivery) ([]byte, error) {
	w := jsonWriter{b: make([]byte, 0, len(d.Record)+512)}
	if w.delivery(d); w.err != nil {
		return nil, fmt.Errorf("encode delivery %s: %w", d.Key(), w.err)
	}
	return w.b, nil
}

// recordKey begins the last field, which is most of the value.
const recordKey = `,"record":`

// DecodeDelivery reads a record's value. It does not look into Record. It is quick for
// what EncodeDelivery writes of plain texts.
func DecodeDelivery(value []byte) (*Delivery, error) {
	d := new(Delivery)
	// No string before it can hold the key: its quotes would be escaped.
	if at := bytes.Index(value, []byte(recordKey)); at > 0 && value[len(value)-1] == '}' {
		record := value[at+len(recordKey) : len(value)-1]
		r := newJSONReader(value[:at])
		if d := r.delivery(); r.done() {
			d.Record = bytes.Clone(record)
			return d, nil
		}
		head := append(value[:at:at], '}')
		if json.Unmarshal(head, d) == nil {
			d.Record = bytes.Clone(record)
			return d, nil
		}
		*d = Delivery{}
	}
	if err := json.Unmarshal(value, d); err != nil {
		return nil, fmt.Errorf("decode delivery: %w", err)
	}
	return d, nil
}

// HeaderWriter names who wrote a record of deliveries: a notifier, by a name that is
// new whenever it takes the partition over. Others write none.
const HeaderWriter = "unpark.writer"

// Other records of deliveries, by their keys. They stand among the deliveries so
// that the order of the partition decides what they mean.
const (
	// DeliveryOwner begins the key of the record by which a notifier takes the
	// partition over: what stands before it is all there is to know.
	DeliveryOwner = "owner/"
	// DeliveryAnswer begins the key of a DeliveryCommand.
	DeliveryAnswer = "answer/"
)

// DeliveryCommand acknowledges or snoozes open alerts. The owner of the partition
// carries it out and deletes it.
type DeliveryCommand struct {
	Conversation string `json:"conversation"`
	// Escalation is the alert; empty: all that are open in the conversation.
	Escalation string `json:"escalation,omitempty"`
	// Snooze tells a snooze from an acknowledgement.
	Snooze bool `json:"snooze,omitempty"`
	Mark   Mark `json:"mark"`
}

// Key is the record's key: the newest answer to the same alert replaces the one
// before.
func (c DeliveryCommand) Key() string {
	return DeliveryAnswer + strings.Join([]string{c.Conversation, c.Escalation}, "/")
}
