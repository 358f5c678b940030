package schemas

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// jsonReader reads what jsonWriter writes of plain texts, a field a line, in the order
// of the struct. It takes nothing else: what stands otherwise is odd, and encoding/json
// has the last word on it. TestEscalationIsReadAlike and TestDeliveryIsReadAlike compare
// the two.
type jsonReader struct {
	s   string // what is left; texts lie in it
	odd bool
}

func newJSONReader(value []byte) *jsonReader {
	for _, c := range value {
		if c < ' ' || c == '\\' {
			return &jsonReader{odd: true}
		}
	}
	return &jsonReader{s: string(value), odd: !utf8.Valid(value)}
}

// done says whether all was read and stood as expected.
func (r *jsonReader) done() bool { return !r.odd && r.s == "" }

// next reads a key, and maybe what stands for its value.
func (r *jsonReader) next(key string) {
	if !r.some(key) {
		r.odd = true
	}
}

// some reads a key that may not be there.
func (r *jsonReader) some(key string) bool {
	rest, found := strings.CutPrefix(r.s, key)
	r.s = rest
	return found
}

func (r *jsonReader) text(key string) string {
	r.next(key)
	return r.quoted()
}

func (r *jsonReader) quoted() string {
	r.next(`"`)
	text, rest, found := strings.Cut(r.s, `"`)
	r.s, r.odd = rest, r.odd || !found
	return text
}

func (r *jsonReader) someText(key string) string {
	if !r.some(key) {
		return ""
	}
	return r.quoted()
}

func (r *jsonReader) null() bool { return r.some("null") }

func (r *jsonReader) maybeText(key string) *string {
	if r.next(key); r.null() {
		return nil
	}
	text := r.quoted()
	return &text
}

func (r *jsonReader) number(key string) int64 {
	r.next(key)
	end := len(r.s) - len(strings.TrimLeft(r.s, "-0123456789"))
	digits := r.s[:end]
	n, err := strconv.ParseInt(digits, 10, 64)
	r.s, r.odd = r.s[end:], r.odd || err != nil || len(digits) > 1 && digits[0] == '0' || strings.HasPrefix(digits, "-0")
	return n
}

func (r *jsonReader) bool(key string) bool {
	if r.next(key); r.some("true") {
		return true
	}
	r.next("false")
	return false
}

func (r *jsonReader) instant(key string) Instant {
	r.next(key)
	at, ok := parseInstant(r.quoted())
	r.odd = r.odd || !ok
	return at
}

func (r *jsonReader) someInstant(key string) Instant {
	if !r.some(key) {
		return 0
	}
	return r.instant("")
}

func (r *jsonReader) maybeInstant(key string) *Instant {
	if r.next(key); r.null() {
		return nil
	}
	at := r.instant("")
	return &at
}

// parseInstant reads what Instant.String writes of the years up to 9999.
func parseInstant(s string) (Instant, bool) {
	if len(s) != len(instantLayout) {
		return 0, false
	}
	ok := true
	number := func(from, to int) (n int) {
		for _, c := range []byte(s[from:to]) {
			ok = ok && c >= '0' && c <= '9'
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day := number(0, 4), number(5, 7), number(8, 10)
	hour, minute, second, ms := number(11, 13), number(14, 16), number(17, 19), number(20, 23)
	ok = ok && s[4] == '-' && s[7] == '-' && s[10] == 'T' && s[13] == ':' && s[16] == ':' && s[19] == '.' && s[23] == 'Z'
	if !ok || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, ms*1_000_000, time.UTC)
	return Instant(t.UnixMilli()), t.Day() == day
}

// escalation reads the whole value.
func (r *jsonReader) escalation() *Escalation {
	e := new(Escalation)
	e.ID = r.text(`{"id":`)
	e.Status = r.text(`,"status":`)
	e.Kind = r.text(`,"kind":`)
	e.Org = r.text(`,"org":`)
	e.Conversation = r.text(`,"conversation":`)
	e.Objective = r.text(`,"objective":`)
	e.TierSeconds = r.number(`,"tierSeconds":`)
	e.Policy = r.text(`,"policy":`)
	e.PolicyVersion = r.text(`,"policyVersion":`)
	e.Start = r.instant(`,"start":`)
	e.Due = r.instant(`,"due":`)
	e.At = r.instant(`,"at":`)
	e.Elapsed = r.number(`,"elapsedSeconds":`)
	e.Verified = r.bool(`,"verified":`)
	e.ObservedAt = r.maybeInstant(`,"observedAt":`)
	e.Media = r.maybeText(`,"media":`)
	e.MessageType = r.maybeText(`,"messageType":`)
	e.Queue = r.queue()
	e.Agent = r.agent()
	e.Action = r.action()
	e.Reason = r.maybeText(`,"reason":`)
	e.Explain = r.explain()
	r.next("}")
	return e
}

func (r *jsonReader) queue() *QueueRef {
	if r.next(`,"queue":`); r.null() {
		return nil
	}
	q := &QueueRef{ID: r.maybeText(`{"id":`), Name: r.maybeText(`,"name":`)}
	r.next("}")
	return q
}

func (r *jsonReader) agent() *AgentRef {
	if r.next(`,"agent":`); r.null() {
		return nil
	}
	a := &AgentRef{
		ID: r.maybeText(`{"id":`), Name: r.maybeText(`,"name":`), State: r.maybeText(`,"state":`), Since: r.maybeInstant(`,"since":`),
	}
	r.next("}")
	return a
}

func (r *jsonReader) action() *ActionRef {
	if r.next(`,"action":`); r.null() {
		return nil
	}
	a := &ActionRef{Do: r.text(`{"do":`), Outcome: r.text(`,"outcome":`), Reason: r.maybeText(`,"reason":`)}
	r.next("}")
	return a
}

func (r *jsonReader) explain() []Interval {
	if r.next(`,"explain":`); r.null() {
		return nil
	}
	list := []Interval{}
	for r.next("["); !r.odd && !r.some("]"); {
		if len(list) > 0 {
			r.next(",")
		}
		list = append(list, Interval{From: r.instant(`{"from":`), To: r.instant(`,"to":`), State: r.text(`,"state":`)})
		r.next("}")
	}
	return list
}

// delivery reads what stands before the record.
func (r *jsonReader) delivery() *Delivery {
	d := new(Delivery)
	d.State = r.text(`{"state":`)
	d.Escalation = r.text(`,"escalation":`)
	d.Org = r.text(`,"org":`)
	d.Conversation = r.text(`,"conversation":`)
	d.Destination = r.text(`,"destination":`)
	d.Status = r.text(`,"status":`)
	d.Told = r.someText(`,"told":`)
	d.Since = r.instant(`,"since":`)
	d.ToldAt = r.someInstant(`,"toldAt":`)
	d.RaisedAt = r.instant(`,"raisedAt":`)
	d.Address = r.someText(`,"address":`)
	d.Reference = r.someText(`,"reference":`)
	d.Digest = r.someText(`,"digest":`)
	d.DigestPartitions = r.someText(`,"digestPartitions":`)
	if r.some(`,"digestLate":`) {
		d.DigestLate = r.bool("")
	}
	d.Queue = r.someText(`,"queue":`)
	d.Agent = r.someText(`,"agent":`)
	d.Notice = r.someText(`,"notice":`)
	d.Acknowledged = r.mark(`,"acknowledged":`)
	d.Snoozed = r.mark(`,"snoozed":`)
	if r.some(`,"reminders":`) {
		d.Reminders = int(r.number(""))
	}
	d.RemindAt = r.someInstant(`,"remindAt":`)
	d.Reason = r.someText(`,"reason":`)
	d.Offset = r.number(`,"offset":`)
	return d
}

func (r *jsonReader) mark(key string) *Mark {
	if !r.some(key) {
		return nil
	}
	m := &Mark{By: r.text(`{"by":`), At: r.instant(`,"at":`), Until: r.instant(`,"until":`)}
	r.next("}")
	return m
}
