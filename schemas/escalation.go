package schemas

import (
	"encoding/json"
	"fmt"
	"time"
)

// Statuses of an Escalation: a raised one becomes one of the others, once.
const (
	StatusRaised    = "raised"
	StatusCleared   = "cleared"
	StatusRetracted = "retracted"
)

// Escalation is the value of the escalations topic, the public contract
// (escalation.schema.json). Pointers are null where there is nothing to say.
type Escalation struct {
	ID            string     `json:"id"`
	Status        string     `json:"status"`
	Kind          string     `json:"kind"` // warning, breach, action
	Org           string     `json:"org"`
	Conversation  string     `json:"conversation"`
	Objective     string     `json:"objective"` // reply, first_reply, resolution, open
	TierSeconds   int64      `json:"tierSeconds"`
	Policy        string     `json:"policy"`
	PolicyVersion string     `json:"policyVersion"`
	Start         Instant    `json:"start"`
	Due           Instant    `json:"due"`
	At            Instant    `json:"at"`
	Elapsed       int64      `json:"elapsedSeconds"`
	Verified      bool       `json:"verified"`
	ObservedAt    *Instant   `json:"observedAt"`
	Media         *string    `json:"media"`
	MessageType   *string    `json:"messageType"`
	Queue         *QueueRef  `json:"queue"`
	Agent         *AgentRef  `json:"agent"`
	Action        *ActionRef `json:"action"`
	Reason        *string    `json:"reason"`
	Explain       []Interval `json:"explain"`
}

// QueueRef names a Genesys queue.
type QueueRef struct {
	ID   *string `json:"id"`
	Name *string `json:"name"`
}

// AgentRef names the agent who holds the conversation.
type AgentRef struct {
	ID    *string  `json:"id"`
	Name  *string  `json:"name"`
	State *string  `json:"state"`
	Since *Instant `json:"since"`
}

// ActionRef says what was done at an action tier.
type ActionRef struct {
	Do      string  `json:"do"`      // requeue, disconnect
	Outcome string  `json:"outcome"` // done, dry_run, refused, failed, not_taken
	Reason  *string `json:"reason"`
}

// Interval is one stretch of an escalation's explanation: half-open [From, To).
type Interval struct {
	From  Instant `json:"from"`
	To    Instant `json:"to"`
	State string  `json:"state"` // running, not_waiting, holiday, closed
}

// Instant is a point in time in epoch milliseconds, written as RFC 3339 UTC with
// milliseconds in JSON.
type Instant int64

const instantLayout = "2006-01-02T15:04:05.000Z"

// Time returns the instant in UTC.
func (i Instant) Time() time.Time { return time.UnixMilli(int64(i)).UTC() }

func (i Instant) String() string { return string(i.append(make([]byte, 0, 24))) }

// append appends the instant as String writes it.
func (i Instant) append(b []byte) []byte {
	t := i.Time()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, instantLayout)
	}
	hour, minute, second := t.Clock()
	b = append(twoDigits(twoDigits(b, year/100), year%100), '-')
	b = append(twoDigits(append(twoDigits(b, int(month)), '-'), day), 'T')
	b = append(twoDigits(append(twoDigits(b, hour), ':'), minute), ':')
	ms := t.Nanosecond() / 1_000_000
	b = append(append(twoDigits(b, second), '.'), '0'+byte(ms/100))
	return append(twoDigits(b, ms%100), 'Z')
}

func twoDigits(b []byte, n int) []byte { return append(b, '0'+byte(n/10), '0'+byte(n%10)) }

// MarshalJSON implements json.Marshaler.
func (i Instant) MarshalJSON() ([]byte, error) {
	return append(i.append(append(make([]byte, 0, 32), '"')), '"'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (i *Instant) UnmarshalJSON(data []byte) error {
	var t time.Time
	if err := json.Unmarshal(data, &t); err != nil {
		return err
	}
	*i = Instant(t.UnixMilli())
	return nil
}

// EncodeEscalation returns the record's value: one line of JSON without a line
// break, equal for equal escalations.
func EncodeEscalation(e *Escalation) ([]byte, error) {
	w := jsonWriter{b: make([]byte, 0, 1024)}
	if w.escalation(e); w.err != nil {
		return nil, fmt.Errorf("encode escalation %s: %w", e.ID, w.err)
	}
	return w.b, nil
}

// DecodeEscalation reads a record's value. It is quick for what EncodeEscalation writes
// of plain texts.
func DecodeEscalation(value []byte) (*Escalation, error) {
	r := newJSONReader(value)
	e := r.escalation()
	if r.done() {
		return e, nil
	}
	e = new(Escalation)
	if err := json.Unmarshal(value, e); err != nil {
		return nil, fmt.Errorf("decode escalation: %w", err)
	}
	return e, nil
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// EscalationHeaders returns the CloudEvents headers (Kafka protocol binding 1.0,
// binary mode) of an escalation's record. ce_id is unique to the record: an
// escalation has one for each status.
func EscalationHeaders(e *Escalation) []Header {
	h := func(k, v string) Header { return Header{Key: k, Value: []byte(v)} }
	return []Header{
		h("ce_specversion", "1.0"),
		h("ce_id", e.ID+"/"+e.Status),
		h("ce_source", "unpark/"+e.Org),
		h("ce_type", "unpark.escalation."+e.Status),
		h("ce_subject", e.Conversation),
		h("ce_time", e.At.String()),
		h("content-type", "application/json"),
	}
}
