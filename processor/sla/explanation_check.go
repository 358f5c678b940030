package sla

import "unpark/schemas"

// RequestView is a request to Genesys that has no answer yet.
type RequestView struct {
	ID    string          `json:"id"`
	Asked schemas.Instant `json:"askedAt"`
	// For is what it is for: action, breach, warning, look_ahead, follow_up; of an
	// action what is to be done.
	For string `json:"for"`
	// AnswerBy is when it is given up; null until its first tick has come.
	AnswerBy *schemas.Instant `json:"answerBy"`
}

// NextCheckView is a look at Genesys that is planned.
type NextCheckView struct {
	At  schemas.Instant `json:"at"`
	For string          `json:"for"` // look_ahead, follow_up
}

// UrgencyNames are the words for what a request is for.
var UrgencyNames = map[schemas.Urgency]string{
	schemas.Urgency_URGENCY_ACTION:     "action",
	schemas.Urgency_URGENCY_BREACH:     "breach",
	schemas.Urgency_URGENCY_WARNING:    "warning",
	schemas.Urgency_URGENCY_LOOK_AHEAD: "look_ahead",
	schemas.Urgency_URGENCY_FOLLOW_UP:  "follow_up",
}

// asked tells what Genesys was asked for, and what it will be.
func (x *Explanation) asked(s *step) {
	ep, rules := s.st.Episode, s.env.Rules
	view := func(kind, reason string, asked int64, serial uint32, counted *int64) *RequestView {
		v := &RequestView{ID: requestID(kind, s.env.Org, s.env.Conversation, asked, serial), Asked: schemas.Instant(asked), For: reason}
		if counted != nil {
			by := rules.expiry(asked, counted)
			v.AnswerBy = instant(&by)
		}
		return v
	}
	if ch := ep.Check; outstanding(ep) {
		x.Check = view(kindCheck, UrgencyNames[ch.Urgency], ch.AskedMs, ch.Serial, ch.CountedMs)
	}
	if a := ep.Acting; a != nil {
		x.Action = view(kindAct, a.Tier.Action.GetDo(), a.AskedMs, a.Serial, a.CountedMs)
	}
	if x.State != StageRunning || outstanding(ep) {
		return // what comes next follows from the answer
	}
	for _, l := range s.looks(s.candidates()) {
		if x.NextCheck == nil || schemas.Instant(l.at) < x.NextCheck.At {
			x.NextCheck = &NextCheckView{At: schemas.Instant(l.at), For: UrgencyNames[l.urgency]}
		}
	}
}
