package simulator

import (
	"encoding/json"
	"net/http"
)

// listEmails is the thread of an e-mail conversation, oldest first. It has no
// field that says who wrote, nor pages.
func (o *Org) listEmails(r *http.Request) (any, error) {
	c, err := o.mediaConversation(r)
	if err != nil {
		return nil, err
	}
	entities := []object{}
	for _, m := range c.messages {
		entities = append(entities, c.renderMail(m))
	}
	return object{"entities": entities, "selfUri": r.URL.RequestURI()}, nil
}

func (o *Org) getEmail(r *http.Request) (any, error) {
	c, err := o.mediaConversation(r)
	if err != nil {
		return nil, err
	}
	m := c.message(r.PathValue("message"))
	if m == nil {
		return nil, errNotFound
	}
	answer := c.renderMail(m)
	answer["textBody"], answer["htmlBody"] = "simulated text", "<p>simulated text</p>"
	return answer, nil
}

func (c *conversation) message(id string) *message {
	for _, m := range c.messages {
		if m.id == id {
			return m
		}
	}
	return nil
}

func (c *conversation) renderMail(m *message) object {
	to := c.address
	if m.from == c.address {
		to = c.ourAddress()
	}
	answer := object{
		"id": m.id, "from": object{"email": m.from, "name": "Simulated"}, "to": []object{{"email": to}}, "cc": []object{}, "bcc": []object{},
		"subject": c.subject, "time": iso(m.at), "textBodyPreview": "simulated text", "attachments": []object{},
		"selfUri": conversationsPath + "emails/" + c.id + "/messages/" + m.id,
	}
	answer["state"] = "Sent"
	if m.draft {
		answer["state"], answer["draftType"] = "Created", "Reply"
	}
	return answer
}

// getMessage answers with one message, found by its id alone where the path has
// no conversation.
func (o *Org) getMessage(r *http.Request) (any, error) {
	id := r.PathValue("message")
	if r.PathValue("conversation") != "" {
		c, err := o.mediaConversation(r)
		if err != nil {
			return nil, err
		}
		return c.renderMessage(id)
	}
	for _, c := range o.order {
		if c.media == Message && c.message(id) != nil {
			return c.renderMessage(id)
		}
	}
	return nil, errNotFound
}

func (c *conversation) renderMessage(id string) (any, error) {
	m := c.message(id)
	if m == nil {
		return nil, errNotFound
	}
	direction, from, to := "outbound", c.ourAddress(), c.address
	if m.leg.participant.purpose == "customer" {
		direction, from, to = "inbound", to, from
	}
	answer := object{
		"id": m.id, "conversationId": c.id, "direction": direction, "timestamp": iso(m.at), "status": m.status, "messengerType": c.messageType,
		"fromAddress": from, "toAddress": to, "normalizedMessage": object{"id": m.id, "type": m.kind, "text": "simulated text"},
	}
	if user := m.leg.participant.user; user != "" {
		answer["createdBy"] = object{"id": user}
	}
	return answer, nil
}

const maxBulk = 1000

// bulkMessages answers with those of the wanted messages that there are.
func (o *Org) bulkMessages(r *http.Request) (any, error) {
	c, err := o.mediaConversation(r)
	if err != nil {
		return nil, err
	}
	var ids []string
	if err := json.NewDecoder(r.Body).Decode(&ids); err != nil || len(ids) > maxBulk {
		return nil, errBad("the body must be a list of at most %d ids", maxBulk)
	}
	entities := []any{}
	for _, id := range ids {
		if one, err := c.renderMessage(id); err == nil {
			entities = append(entities, one)
		}
	}
	return object{"entities": entities}, nil
}

// emailThreading and messageThreading say how long who comes back finds the same
// conversation.
func (o *Org) emailThreading(*http.Request) (any, error) {
	return object{"timeoutInMinutes": 30 * 24 * 60, "startNewConversationOnSubjectChange": false}, nil
}

func (o *Org) messageThreading(*http.Request) (any, error) {
	return object{"defaultTimeoutMinutes": 72 * 60, "settings": []object{}}, nil
}
