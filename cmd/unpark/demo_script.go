package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// demoOrg is the organisation of the demo; its rules are the default policy.
const demoOrg = "00000000-0000-4000-8000-00000000d310"

// scene is one moment of the demo's contact centre: an envelope that EventBridge
// delivers, or what the API would say, and the line that tells it.
type scene struct {
	At       time.Time // when it is delivered
	Envelope []byte    // nil: nothing is delivered, the line is told all the same
	Line     string    // empty: not worth a line
}

// demoScript is a day in a contact centre, and what unpark has to say about it.
type demoScript struct {
	Start, End time.Time
	Scenes     []scene
	// Stories counts the conversations by how they go.
	Stories map[string]int
	// Expected counts the escalations by status and kind ("raised warning").
	Expected map[string]int
}

// The ways a conversation goes. The customer is owed an answer in the last four.
const (
	storyAnswered  = "answered in time"
	storyCustomer  = "parked, the customer owes the answer"
	storyLateEvent = "over in time, its last event came late"
	storyWarned    = "parked and forgotten, answered after the warning"
	storyBreached  = "parked and forgotten, answered after the breach"
	storyForgotten = "parked and forgotten to the end"
	storyQueued    = "never taken from the queue"
)

var stories = []string{storyAnswered, storyCustomer, storyLateEvent, storyWarned, storyBreached, storyForgotten, storyQueued}

// newDemoScript writes a day that begins at start; equal seeds give equal days.
func newDemoScript(seed uint64, conversations int, start time.Time) demoScript {
	s := demoScript{Start: start, End: start.Add(6*time.Hour + 15*time.Minute), Stories: map[string]int{}, Expected: map[string]int{}}
	rng := rand.New(rand.NewPCG(seed, 0))
	for i := range conversations {
		c := &demoConversation{
			script: &s, rng: rng, number: i + 1,
			opened: start.Add(time.Duration(rng.Int64N(int64(90 * time.Minute)))).Truncate(time.Second),
			agent:  demoAgents[rng.IntN(len(demoAgents))],
			queue:  demoQueues[rng.IntN(len(demoQueues))],
			mail:   rng.IntN(3) == 0,
		}
		c.play(pickStory(rng, i))
	}
	slices.SortStableFunc(s.Scenes, func(a, b scene) int { return a.At.Compare(b.At) })
	return s
}

// pickStory has each story told once before chance decides.
func pickStory(rng *rand.Rand, i int) string {
	if i < len(stories) {
		return stories[i]
	}
	switch n := rng.IntN(20); {
	case n < 11:
		return storyAnswered
	case n < 15:
		return storyCustomer
	default:
		return stories[2+rng.IntN(len(stories)-2)]
	}
}

type demoName struct{ id, name string }

var (
	demoAgents = []demoName{{"agent-1", "Ann"}, {"agent-2", "Ben"}, {"agent-3", "Cleo"}, {"agent-4", "Dan"}, {"agent-5", "Eva"}}
	demoQueues = []demoName{{"Orders", "Orders"}, {"Returns", "Returns"}, {"Billing", "Billing"}}
)

// demoConversation writes the scenes of one conversation.
type demoConversation struct {
	script   *demoScript
	rng      *rand.Rand
	number   int
	opened   time.Time
	agent    demoName
	queue    demoName
	mail     bool
	messages []map[string]any
}

func (c *demoConversation) id() string {
	if c.mail {
		return fmt.Sprintf("email-%02d", c.number)
	}
	return fmt.Sprintf("whatsapp-%02d", c.number)
}

// within returns a chance instant in [from, from+spread).
func (c *demoConversation) within(from time.Time, spread time.Duration) time.Time {
	return from.Add(time.Duration(c.rng.Int64N(int64(spread)))).Truncate(time.Second)
}

func (c *demoConversation) play(story string) {
	c.script.Stories[story]++
	c.write("customer", c.opened)
	what := "a WhatsApp message"
	if c.mail {
		what = "an e-mail"
	}
	c.event(c.opened, "customer.start", "customer", nil, fmt.Sprintf("%s: %s arrives for %s", c.id(), what, c.queue.name))
	c.event(c.opened.Add(time.Second), "acd.start", "queue", map[string]any{"queueId": c.queue.id}, "")
	if story == storyQueued {
		c.expect("raised warning", "raised breach")
		return
	}
	taken := c.within(c.opened.Add(30*time.Second), 10*time.Minute)
	held := map[string]any{"queueId": c.queue.id, "userId": c.agent.id}
	c.event(taken, "user.start", "agent", held, fmt.Sprintf("%s: %s opens it", c.id(), c.agent.name))
	c.event(taken.Add(time.Second), "acd.end", "queue", map[string]any{"queueId": c.queue.id}, "")
	c.playHeld(story, taken)
}

// playHeld goes on after the agent has opened the conversation.
func (c *demoConversation) playHeld(story string, taken time.Time) {
	switch story {
	case storyAnswered:
		c.answer(c.within(taken.Add(time.Minute), 2*time.Hour))
	case storyCustomer:
		asked := c.within(taken.Add(time.Minute), 20*time.Minute)
		c.write("agent", asked)
		c.observe(asked.Add(30*time.Second), "parked", fmt.Sprintf("%s: %s asks back and parks it; the customer's turn", c.id(), c.agent.name))
	case storyLateEvent:
		c.park(taken)
		over := c.opened.Add(3*time.Hour + 20*time.Minute)
		arrives := c.opened.Add(3*time.Hour + 45*time.Minute)
		c.deliver(arrives, over, "customer.end", "customer", nil,
			fmt.Sprintf("%s: its end of %s is delivered only now", c.id(), over.Format("15:04")))
		c.expect("raised warning", "retracted warning")
	case storyWarned:
		c.park(taken)
		c.answer(c.within(c.opened.Add(3*time.Hour+35*time.Minute), 15*time.Minute))
		c.expect("raised warning", "cleared warning")
	case storyBreached:
		c.park(taken)
		c.answer(c.within(c.opened.Add(4*time.Hour+5*time.Minute), 20*time.Minute))
		c.expect("raised warning", "raised breach", "cleared warning", "cleared breach")
	case storyForgotten:
		c.park(taken)
		c.expect("raised warning", "raised breach")
	}
}

// park has the agent put the conversation aside without an answer.
func (c *demoConversation) park(taken time.Time) {
	at := c.within(taken.Add(time.Minute), 5*time.Minute)
	c.observe(at, "parked", fmt.Sprintf("%s: %s parks it", c.id(), c.agent.name))
}

// answer has the agent write, and everybody leave.
func (c *demoConversation) answer(at time.Time) {
	c.write("agent", at)
	c.observe(at.Add(5*time.Second), "connected", fmt.Sprintf("%s: %s answers", c.id(), c.agent.name))
	held := map[string]any{"queueId": c.queue.id, "userId": c.agent.id, "disconnectType": "CLIENT"}
	c.event(at.Add(time.Minute), "user.end", "agent", held, "")
	c.event(at.Add(time.Minute), "customer.end", "customer", map[string]any{"disconnectType": "PEER"}, "")
}

func (c *demoConversation) expect(what ...string) {
	for _, w := range what {
		c.script.Expected[w]++
	}
}

func (c *demoConversation) write(by string, at time.Time) {
	c.messages = append(c.messages, map[string]any{"at": at.UnixMilli(), "by": by})
}

// event delivers a Genesys event half a second after it happened.
func (c *demoConversation) event(at time.Time, topic, leg string, fields map[string]any, line string) {
	c.deliver(at.Add(500*time.Millisecond), at, topic, leg, fields, line)
}

func (c *demoConversation) deliver(delivered, happened time.Time, topic, leg string, fields map[string]any, line string) {
	body := map[string]any{
		"eventTime": happened.UnixMilli(), "conversationId": c.id(),
		"participantId": c.id() + "-" + leg, "sessionId": c.id() + "-" + leg + "-1",
		"mediaType": "MESSAGE", "messageType": "WHATSAPP", "direction": "INBOUND", "provider": "PureCloud Messaging",
	}
	if c.mail {
		body["mediaType"], body["provider"] = "EMAIL", "PureCloud Email"
		delete(body, "messageType")
	}
	maps.Copy(body, fields)
	c.add(delivered, "v2.detail.events.conversation.{id}."+topic, body, line)
}

// observe delivers what a look at the Genesys API would say.
func (c *demoConversation) observe(at time.Time, state, line string) {
	c.add(at, "unpark.thread.observed", map[string]any{
		"conversationId": c.id(), "observedAt": at.UnixMilli(), "startedAt": c.opened.UnixMilli(),
		"queueId": c.queue.id, "queueName": c.queue.name,
		"agent": map[string]any{
			"id": c.agent.id, "name": c.agent.name, "participantId": c.id() + "-agent", "state": state, "since": at.UnixMilli(),
		},
		"messages": slices.Clone(c.messages),
	}, line)
}

func (c *demoConversation) add(at time.Time, detailType string, body map[string]any, line string) {
	topic := strings.Replace(detailType, "{id}", c.id(), 1)
	raw, err := json.Marshal(map[string]any{
		"version": "0", "id": fmt.Sprintf("%s-%d", c.id(), len(c.script.Scenes)), "detail-type": detailType,
		"source":  "aws.partner/genesys.com/cloud/" + demoOrg + "/demo",
		"account": "000000000000", "region": "eu-west-1", "resources": []string{}, "time": at.UTC().Format(time.RFC3339),
		"detail": map[string]any{"topicName": topic, "version": "2", "eventBody": body},
	})
	if err != nil {
		panic(err) // maps of plain values
	}
	c.script.Scenes = append(c.script.Scenes, scene{At: at, Envelope: raw, Line: line})
}
