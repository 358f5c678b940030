package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// replace gives a participant's conversation to a queue.
func (o *Org) replace(r *http.Request) (any, error) {
	c, l, err := o.foundLeg(r)
	if err != nil {
		return nil, err
	}
	var body struct{ TransferType, QueueID, QueueName, UserID, Address string }
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	unknowns := o.config.Unknowns
	switch {
	case body.TransferType != "" && body.TransferType != "Unattended":
		return nil, errBad("transferType %q is not simulated", body.TransferType)
	case !l.open():
		return nil, errBad("the participant is not connected")
	case l.state == "parked" && unknowns.ReplaceRefusesParked, l.state == "alerting" && unknowns.ReplaceRefusesAlerting:
		return nil, errBad("a participant that is %s cannot be replaced", l.state)
	}
	for _, q := range o.people.queues {
		if q.ID == body.QueueID || body.QueueID == "" && q.Name == body.QueueName {
			c.requeue(l, q.ID)
			return nil, nil
		}
	}
	return nil, errBad("queueId is of no queue")
}

// foundLeg returns the newest leg of the participant of a path.
func (o *Org) foundLeg(r *http.Request) (*conversation, *leg, error) {
	find := o.mediaConversation
	if strings.HasSuffix(r.URL.Path, "/replace/queue") {
		find = o.found
	}
	c, err := find(r)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range c.participants {
		if p.id == r.PathValue("participant") {
			return c, p.legs[len(p.legs)-1], nil
		}
	}
	return nil, nil, errNotFound
}

func decode(r *http.Request, into any) error {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return errBad("the body is no JSON object of the right shape")
	}
	return nil
}

// disconnectConversation ends it for everybody.
func (o *Org) disconnectConversation(r *http.Request) (any, error) {
	c, err := o.found(r)
	if err == nil {
		c.tearDown()
	}
	return nil, err
}

func (o *Org) patchConversation(r *http.Request) (any, error) {
	c, err := o.mediaConversation(r)
	if err != nil {
		return nil, err
	}
	var body struct{ State string }
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if body.State != "disconnected" {
		return nil, errBad("state must be disconnected")
	}
	c.tearDown()
	return nil, nil
}

// patchParticipant changes the state of one participant. Who disconnects an
// agent ends it for the customer too.
func (o *Org) patchParticipant(r *http.Request) (any, error) {
	c, l, err := o.foundLeg(r)
	if err != nil {
		return nil, err
	}
	var body struct {
		State      string
		ResumeTime time.Time
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	switch body.State {
	case "":
	case "disconnected":
		c.script++
		c.close(l)
	case "parked":
		c.park(body.ResumeTime)
	case "connected":
		if l.state == "parked" {
			c.resume(l)
		}
	default:
		return nil, errBad("state %q is unknown", body.State)
	}
	return nil, nil
}

// patchParking parks an agent's part, or takes it up again.
func (o *Org) patchParking(r *http.Request) (any, error) {
	_, l, err := o.foundLeg(r)
	if err == nil && (l.participant.purpose != "agent" || !l.open()) {
		return nil, errBad("only a connected agent can park")
	}
	if err != nil {
		return nil, err
	}
	return o.patchParticipant(r)
}
