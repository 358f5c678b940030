package schemas

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// jsonWriter writes what encoding/json writes of escalations and deliveries, without
// looking at their types: a field a line, in the order of the struct.
// TestEscalationBytes and TestDeliveryBytes compare the two.
type jsonWriter struct {
	b   []byte
	err error
}

func (w *jsonWriter) escalation(e *Escalation) {
	w.text(`{"id":`, e.ID)
	w.text(`,"status":`, e.Status)
	w.text(`,"kind":`, e.Kind)
	w.text(`,"org":`, e.Org)
	w.text(`,"conversation":`, e.Conversation)
	w.text(`,"objective":`, e.Objective)
	w.number(`,"tierSeconds":`, e.TierSeconds)
	w.text(`,"policy":`, e.Policy)
	w.text(`,"policyVersion":`, e.PolicyVersion)
	w.instant(`,"start":`, e.Start)
	w.instant(`,"due":`, e.Due)
	w.instant(`,"at":`, e.At)
	w.number(`,"elapsedSeconds":`, e.Elapsed)
	w.b = strconv.AppendBool(append(w.b, `,"verified":`...), e.Verified)
	w.maybeInstant(`,"observedAt":`, e.ObservedAt)
	w.maybeText(`,"media":`, e.Media)
	w.maybeText(`,"messageType":`, e.MessageType)
	w.queue(e.Queue)
	w.agent(e.Agent)
	w.action(e.Action)
	w.maybeText(`,"reason":`, e.Reason)
	w.explain(e.Explain)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) queue(q *QueueRef) {
	if q == nil {
		w.b = append(w.b, `,"queue":null`...)
		return
	}
	w.maybeText(`,"queue":{"id":`, q.ID)
	w.maybeText(`,"name":`, q.Name)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) agent(a *AgentRef) {
	if a == nil {
		w.b = append(w.b, `,"agent":null`...)
		return
	}
	w.maybeText(`,"agent":{"id":`, a.ID)
	w.maybeText(`,"name":`, a.Name)
	w.maybeText(`,"state":`, a.State)
	w.maybeInstant(`,"since":`, a.Since)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) action(a *ActionRef) {
	if a == nil {
		w.b = append(w.b, `,"action":null`...)
		return
	}
	w.text(`,"action":{"do":`, a.Do)
	w.text(`,"outcome":`, a.Outcome)
	w.maybeText(`,"reason":`, a.Reason)
	w.b = append(w.b, '}')
}

func (w *jsonWriter) explain(list []Interval) {
	if list == nil {
		w.b = append(w.b, `,"explain":null`...)
		return
	}
	w.b = append(w.b, `,"explain":[`...)
	for i, v := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.instant(`{"from":`, v.From)
		w.instant(`,"to":`, v.To)
		w.text(`,"state":`, v.State)
		w.b = append(w.b, '}')
	}
	w.b = append(w.b, ']')
}

func (w *jsonWriter) number(key string, n int64) {
	w.b = strconv.AppendInt(append(w.b, key...), n, 10)
}

func (w *jsonWriter) instant(key string, at Instant) {
	w.b = append(append(w.b, key...), '"')
	w.b = append(at.append(w.b), '"')
}

func (w *jsonWriter) maybeInstant(key string, at *Instant) {
	if at == nil {
		w.null(key)
		return
	}
	w.instant(key, *at)
}

// maybeText writes null for a text that is not there.
func (w *jsonWriter) maybeText(key string, s *string) {
	if s == nil {
		w.null(key)
		return
	}
	w.text(key, *s)
}

func (w *jsonWriter) null(key string) { w.b = append(append(w.b, key...), "null"...) }

// text leaves what is not plain to encoding/json.
func (w *jsonWriter) text(key, s string) {
	w.b = append(w.b, key...)
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			w.escaped(s)
			return
		}
	}
	w.b = append(append(append(w.b, '"'), s...), '"')
}

func (w *jsonWriter) escaped(s string) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		w.err = err
	}
	w.b = append(w.b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

// EscalationLabels is what escalations are counted by.
type EscalationLabels struct{ Status, Kind, Org, Policy string }

// ReadEscalationLabels reads them of a record's value. It is quick for what
// EncodeEscalation writes of plain texts.
func ReadEscalationLabels(value []byte) (EscalationLabels, error) {
	if l, ok := plainLabels(value); ok {
		return l, nil
	}
	e, err := DecodeEscalation(value)
	if err != nil {
		return EscalationLabels{}, err
	}
	return EscalationLabels{Status: e.Status, Kind: e.Kind, Org: e.Org, Policy: e.Policy}, nil
}

// plainLabels reads the fields up to the policy; ok is false if they do not stand as
// jsonWriter writes plain ones.
func plainLabels(value []byte) (l EscalationLabels, ok bool) {
	head, _, _ := bytes.Cut(value, []byte(`,"policyVersion":`))
	r := newJSONReader(head)
	r.text(`{"id":`)
	l.Status = r.text(`,"status":`)
	l.Kind = r.text(`,"kind":`)
	l.Org = r.text(`,"org":`)
	r.text(`,"conversation":`)
	r.text(`,"objective":`)
	r.number(`,"tierSeconds":`)
	l.Policy = r.text(`,"policy":`)
	return l, r.done()
}
