package simulator

import (
	"encoding/json"
	"maps"
	"strings"
	"time"
)

// tell publishes an event of a leg, with what its topic adds to the common
// fields.
func (c *conversation) tell(topic string, l *leg, more map[string]any) {
	body := c.common(l)
	maps.Copy(body, more)
	c.publish(topic, body)
}

// common are the fields that all topics but attributes share. What there is not
// is left out.
func (c *conversation) common(l *leg) map[string]any {
	body := map[string]any{
		"eventTime": c.org.now.UnixMilli(), "conversationId": c.id, "participantId": l.participant.id, "sessionId": l.id,
		"mediaType": strings.ToUpper(c.media), "provider": c.provider(), "direction": upperDirection(l.outbound),
		"conversationExternalContactIds": []string{c.contact},
	}
	here, there := c.ourAddress(), c.address
	if l.outbound {
		here, there = there, here
	}
	switch c.media {
	case Voice:
		body["ani"], body["dnis"] = "tel:"+there, "tel:"+here
	case Email:
		body["addressTo"], body["addressFrom"], body["subject"] = here, there, c.subject
	default:
		body["addressTo"], body["addressFrom"], body["messageType"] = here, there, strings.ToUpper(c.messageType)
	}
	return body
}

func upperDirection(outbound bool) string {
	if outbound {
		return "OUTBOUND"
	}
	return "INBOUND"
}

func (c *conversation) provider() string {
	return map[string]string{Email: "PureCloud Email", Message: "PureCloud Messaging", Voice: "Edge"}[c.media]
}

// routed are the fields of who holds it and where.
func (c *conversation) routed(l *leg) map[string]any {
	more := map[string]any{"divisionId": c.org.people.division.ID, "queueId": l.queue}
	if l.participant.user != "" {
		more["userId"] = l.participant.user
	}
	return more
}

func (c *conversation) tellStart(l *leg) {
	more := c.routed(l)
	switch l.participant.purpose {
	case "customer":
		delete(more, "queueId")
		more["externalContactId"] = c.contact
		c.tell("customer.start", l, more)
	case "acd":
		more["routingPriority"] = 0
		c.tell("acd.start", l, more)
	case "agent":
		c.tell("user.start", l, more)
	case "workflow":
		c.tell("flow.start", l, c.flowFields(l))
	}
}

func (c *conversation) tellEnd(l *leg) {
	if l.silent {
		return
	}
	more := c.routed(l)
	more["disconnectType"] = l.disconnect
	switch l.participant.purpose {
	case "customer":
		delete(more, "queueId")
		more["externalContactId"], more["interactingDurationMs"] = c.contact, c.spent(l, "interact")
		c.tell("customer.end", l, more)
	case "acd":
		maps.Copy(more, c.acdFields(l))
		c.tell("acd.end", l, more)
	case "agent":
		for field, kind := range map[string]string{
			"interactingDurationMs": "interact", "heldDurationMs": "hold", "alertingDurationMs": "alert",
			"contactingDurationMs": "contacting", "dialingDurationMs": "dialing", "callbackDurationMs": "callback",
		} {
			more[field] = c.spent(l, kind)
		}
		c.tell("user.end", l, more)
	case "workflow":
		maps.Copy(more, c.flowFields(l))
		delete(more, "queueId")
		more["connectedDurationMs"] = c.spent(l, "interact")
		c.tell("flow.end", l, more)
	}
}

// spent is how long a leg's segments of a kind took, in milliseconds.
func (c *conversation) spent(l *leg, kind string) int64 {
	var sum time.Duration
	for _, s := range l.segments {
		if s.kind == kind && !s.until.IsZero() {
			sum += s.until.Sub(s.from)
		}
	}
	return sum.Milliseconds()
}

func (c *conversation) acdFields(l *leg) map[string]any {
	more := map[string]any{"acdOutcome": "ABANDON", "requestedRoutings": []string{"STANDARD"}, "routingPriority": 0, "connectedDurationMs": c.spent(l, "interact")}
	if agent := c.agent(); agent != nil && l.disconnect == "TRANSFER" {
		more["acdOutcome"], more["usedRouting"], more["answeredUserId"] = "ANSWERED", "STANDARD", agent.participant.user
	}
	return more
}

func (c *conversation) flowFields(l *leg) map[string]any {
	kind := map[string]string{Email: "INBOUNDEMAIL", Message: "INBOUNDSHORTMESSAGE", Voice: "INBOUNDCALL"}[c.media]
	more := map[string]any{"flowType": kind, "flowId": l.flow, "flowVersion": "7.0", "divisionId": c.org.people.division.ID}
	if !l.open() {
		more["exitReason"], more["transferType"] = "TRANSFER", "ACD"
		if l.disconnect != "TRANSFER" {
			more["exitReason"] = "FLOW_DISCONNECT"
			delete(more, "transferType")
		}
	}
	return more
}

func (c *conversation) tellAttributes(l *leg) {
	c.publish("attributes", map[string]any{
		"eventTime": c.org.now.UnixMilli(), "conversationId": c.id, "participantId": l.participant.id, "attributes": maps.Clone(c.attributes),
		"communications":                 []map[string]string{{"id": l.id, "mediaType": strings.ToUpper(c.media)}},
		"conversationExternalContactIds": []string{c.contact},
	})
}

// publish makes an envelope of an event and hands it to EventBridge, which
// delivers it later.
func (c *conversation) publish(topic string, body map[string]any) {
	published := c.org.now.Add(between(c.rng, 260*time.Millisecond, 310*time.Millisecond))
	correlation := uuid(c.rng)
	if c.org.config.Unknowns.OneCorrelation {
		correlation = c.id
	}
	e := map[string]any{
		"version": "0", "id": uuid(c.rng), "detail-type": "v2.detail.events.conversation.{id}." + topic,
		"source":  "aws.partner/genesys.com/cloud/" + c.org.config.ID + "/simulated",
		"account": "000000000000", "region": "eu-west-1", "resources": []string{},
		"time": published.UTC().Truncate(time.Second).Format(time.RFC3339),
		"detail": map[string]any{
			"topicName": "v2.detail.events.conversation." + c.id + "." + topic, "version": "2", "eventBody": body,
			"metadata": map[string]string{"CorrelationId": correlation}, "timestamp": iso(published),
		},
	}
	c.deliver(published, e)
}

func (c *conversation) deliver(published time.Time, e map[string]any) {
	d := c.org.config.Delivery
	take := func() time.Time {
		delay := c.delay + between(c.rng, 0, d.Delay)
		if c.rng.Float64() < d.Late {
			delay += between(c.rng, 0, d.LateBy)
		}
		return published.Add(delay)
	}
	c.org.outbox.add(take(), encode(e))
	if c.rng.Float64() >= d.Duplicates {
		return
	}
	if c.rng.IntN(2) == 0 {
		e["id"] = uuid(c.rng)
	}
	c.org.outbox.add(take(), encode(e))
}

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of plain values
	}
	return raw
}

// iso writes an instant as the API does.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
