package simulator

import (
	"net/http"
	"time"
)

// found returns the conversation of a path; one that has not begun is not there.
func (o *Org) found(r *http.Request) (*conversation, error) {
	c := o.conversations[r.PathValue("conversation")]
	if c == nil || c.started.IsZero() {
		return nil, errNotFound
	}
	return c, nil
}

func (o *Org) getConversation(r *http.Request) (any, error) {
	c, err := o.found(r)
	if err != nil {
		return nil, err
	}
	answer := c.head()
	for _, p := range c.participants {
		one := c.renderParticipant(p)
		var legs []object
		for _, l := range p.legs {
			legs = append(legs, c.renderLeg(l))
		}
		one[map[string]string{Email: "emails", Message: "messages", Voice: "calls"}[c.media]] = legs
		answer["participants"] = append(answer["participants"].([]object), one)
	}
	return answer, nil
}

// getMediaConversation is the view of one media type: participants are flat, and
// show their newest communication.
func (o *Org) getMediaConversation(r *http.Request) (any, error) {
	c, err := o.mediaConversation(r)
	if err != nil {
		return nil, err
	}
	answer := c.head()
	for _, p := range c.participants {
		one := c.renderParticipant(p)
		for key, value := range c.renderLeg(p.legs[len(p.legs)-1]) {
			if key != "id" {
				one[key] = value
			}
		}
		answer["participants"] = append(answer["participants"].([]object), one)
	}
	return answer, nil
}

// mediaConversation returns the conversation of a path below emails or messages;
// one of other media is not there.
func (o *Org) mediaConversation(r *http.Request) (*conversation, error) {
	c, err := o.found(r)
	if err == nil && c.media != mediaOf(r.URL.Path) {
		return nil, errNotFound
	}
	return c, err
}

const conversationsPath = "/api/v2/conversations/"

func mediaOf(path string) string {
	if len(path) > len(conversationsPath) && path[len(conversationsPath)] == 'e' {
		return Email
	}
	return Message
}

func (c *conversation) head() object {
	answer := object{
		"id": c.id, "startTime": iso(c.started), "participants": []object{},
		"divisions":       []object{{"division": c.org.people.division.object()}},
		"recentTransfers": c.renderTransfers(), "selfUri": conversationsPath + c.id,
	}
	setTime(answer, "endTime", c.ended(c.org.config.Unknowns.EndWaitsForWrapUp, c.org.now))
	return answer
}

func setTime(o object, key string, t time.Time) {
	if !t.IsZero() {
		o[key] = iso(t)
	}
}

func (c *conversation) renderTransfers() []object {
	all := []object{}
	for _, t := range c.transfers[max(0, len(c.transfers)-20):] {
		one := object{"id": t.id, "state": t.state, "transferType": t.kind, "dateIssued": iso(t.at), "destination": object{"queueId": t.queue}}
		if t.user != "" {
			one["initiator"] = object{"userId": t.user}
		}
		all = append(all, one)
	}
	return all
}

func (c *conversation) renderParticipant(p *participant) object {
	last := p.legs[len(p.legs)-1]
	answer := object{
		"id": p.id, "purpose": p.purpose, "participantType": map[bool]string{true: "Internal", false: "External"}[p.user != ""],
		"name": p.name, "startTime": iso(p.legs[0].started), "wrapupRequired": false,
	}
	setTime(answer, "connectedTime", p.legs[0].connected)
	answer.set("userId", p.user)
	if p.purpose == "customer" {
		last = p.legs[0]
		answer["address"], answer["attributes"], answer["externalContactId"] = c.address, c.attributes, c.contact
		if c.attributes == nil {
			delete(answer, "attributes")
		}
	}
	if q := c.org.people.queue(last.queue); q != nil {
		answer["queueId"], answer["queueName"] = q.ID, q.Name
		answer["conversationRoutingData"] = object{"queue": object{"id": q.ID}, "priority": 0, "skills": []object{}}
	}
	c.renderEnd(answer, p)
	return answer
}

func (c *conversation) renderEnd(answer object, p *participant) {
	var end time.Time
	for _, l := range p.legs {
		if l.open() {
			return
		}
		if l.ended.After(end) {
			end = l.ended
		}
		if w := l.wrapUp; w != nil {
			answer["wrapupPrompt"], answer["startAcwTime"] = "optional", iso(w.from)
			if !w.until.After(c.org.now) {
				answer["endAcwTime"] = iso(w.until)
				answer["wrapup"] = object{"code": w.code, "notes": "done"}
			}
		}
	}
	setTime(answer, "endTime", end)
}

// renderLeg is a communication, of whatever media.
func (c *conversation) renderLeg(l *leg) object {
	answer := object{"id": l.id, "state": l.state, "direction": lowerDirection(l.outbound), "held": false, "provider": c.provider()}
	answer.set("disconnectType", dotted(l.disconnect))
	setTime(answer, "connectedTime", l.connected)
	setTime(answer, "disconnectedTime", l.ended)
	setTime(answer, "parkTime", l.parked)
	if len(l.segments) > 0 && l.segments[0].kind == "alert" {
		answer["startAlertingTime"] = iso(l.started)
	}
	var segments []object
	for _, s := range l.segments {
		one := object{"type": s.kind, "startTime": iso(s.from)}
		setTime(one, "endTime", s.until)
		segments = append(segments, one)
	}
	answer["segments"] = segments
	switch c.media {
	case Email:
		c.renderEmail(answer, l)
	case Message:
		c.renderMessages(answer, l)
	}
	return answer
}

func (c *conversation) renderEmail(answer object, l *leg) {
	sent := 0
	answer["autoGenerated"], answer["spam"] = false, false
	for _, m := range c.messages {
		if m.leg == l && !m.draft {
			answer["messageId"], answer["autoGenerated"] = m.id, m.auto
			sent++
		}
	}
	answer["messagesSent"], answer["subject"] = sent, c.subject
	if w := l.wrapUp; w != nil {
		work := object{"state": "pending", "startTime": iso(w.from)}
		if !w.until.After(c.org.now) {
			work["state"], work["endTime"] = "complete", iso(w.until)
		}
		answer["afterCallWork"] = work
	}
}

func (c *conversation) renderMessages(answer object, l *leg) {
	answer["type"] = c.messageType
	setTime(answer, "resumeTime", l.resumes)
	there, here := object{"addressNormalized": c.address}, object{"addressNormalized": c.ourAddress()}
	answer["fromAddress"], answer["toAddress"] = there, here
	entries := []object{}
	for _, m := range c.messages {
		if m.leg == l {
			entries = append(entries, object{
				"messageId": m.id, "messageTime": iso(m.at), "messageStatus": m.status, "messageMetadata": object{"type": m.kind},
				"messageURI": conversationsPath + "messages/" + c.id + "/messages/" + m.id,
			})
		}
	}
	answer["messages"] = entries
}
