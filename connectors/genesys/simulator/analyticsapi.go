package simulator

import (
	"net/http"
	"time"
)

func (o *Org) getDetails(r *http.Request) (any, error) {
	c, err := o.found(r)
	if err != nil {
		return nil, err
	}
	return c.details(), nil
}

// listDetails answers with those of the wanted conversations that there are.
func (o *Org) listDetails(r *http.Request) (any, error) {
	if !r.URL.Query().Has("id") {
		return nil, errBad("id is missing")
	}
	id := wanted(r.URL.Query(), "id")
	all := []object{}
	for _, c := range o.order {
		if id(c.id) && !c.started.IsZero() {
			all = append(all, c.details())
		}
	}
	return object{"conversations": all}, nil
}

// details is a conversation as the analytics have it: no message, and an end
// that waits for the wrap-up.
func (c *conversation) details() object {
	answer := object{
		"conversationId": c.id, "conversationStart": iso(c.started), "originatingDirection": c.originating(),
		"conversationInitiator": map[string]string{"inbound": "customer", "outbound": "agent"}[c.originating()],
		"divisionIds":           []string{c.org.people.division.ID}, "customerParticipation": len(c.messages) > 0,
	}
	setTime(answer, "conversationEnd", c.ended(true, c.org.now))
	participants := []object{}
	for _, p := range c.participants {
		one := object{"participantId": p.id, "participantName": p.name, "purpose": p.purpose}
		one.set("userId", p.user)
		if p.purpose == "customer" {
			one["externalContactId"] = c.contact
		}
		var sessions []object
		for _, l := range p.legs {
			sessions = append(sessions, c.session(l))
		}
		one["sessions"] = sessions
		participants = append(participants, one)
	}
	answer["participants"] = participants
	return answer
}

func (c *conversation) originating() string {
	if len(c.truth.Episodes) > 0 {
		return lowerDirection(c.truth.Episodes[0].Outbound)
	}
	return lowerDirection(c.outbound)
}

func (c *conversation) session(l *leg) object {
	answer := object{
		"sessionId": l.id, "mediaType": c.media, "direction": lowerDirection(l.outbound), "provider": c.provider(),
		"addressFrom": c.address, "addressTo": c.ourAddress(), "metrics": []object{}, "segments": c.segments(l),
	}
	if l.outbound {
		answer["addressFrom"], answer["addressTo"] = answer["addressTo"], answer["addressFrom"]
	}
	answer.set("messageType", c.messageType)
	return answer
}

// skew is how far the analytics' times of a leg are off, either way.
func (o *Org) skew(l *leg) time.Duration {
	most := o.config.Unknowns.AnalyticsSkew
	return between(o.chance(l.id), -most, most)
}

func (c *conversation) segments(l *leg) []object {
	all := []object{}
	skew := c.org.skew(l)
	for i, s := range l.segments {
		one := object{"segmentStart": iso(s.from.Add(skew)), "segmentType": s.kind, "conference": false}
		if !s.until.IsZero() {
			one["segmentEnd"] = iso(s.until.Add(skew))
		}
		one.set("queueId", l.queue)
		if i == len(l.segments)-1 {
			one.set("disconnectType", camel(l.disconnect))
		}
		if c.media == Email {
			one["subject"] = c.subject
		}
		all = append(all, one)
	}
	if w := l.wrapUp; w != nil {
		one := object{"segmentStart": iso(w.from), "segmentType": "wrapup", "conference": false}
		one.set("queueId", l.queue)
		if !w.until.After(c.org.now) {
			one["segmentEnd"], one["wrapUpCode"], one["wrapUpNote"] = iso(w.until), w.code, "done"
		}
		all = append(all, one)
	}
	return all
}
