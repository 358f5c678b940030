package processor_test

import (
	"cmp"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"unpark/schemas"
)

var (
	queues       = []string{"q-a", "q-b", "q-c"}
	divisions    = []string{"d-a", "d-b"}
	messageTypes = []string{"whatsapp", "webmessaging"}
	agents       = []string{"ann", "ben"}
)

// arrival is an input and when it arrives.
type arrival struct {
	input *schemas.InputRecord
	at    int64
}

// story generates what happens in one conversation, and when it is heard.
type story struct {
	t        *rapid.T
	org, id  string
	at       int64 // where the story has come to
	sessions int
	open     []*schemas.ConversationEvent // starts of open sessions
	messages []*schemas.ThreadMessage
	arrivals []arrival
	// customerSince is the start of the customer's newest session.
	customerSince int64
	// prompt: everything arrives within a day, and nothing is lost.
	prompt bool
}

// genHistory draws the rules of one or two orgs and one to three conversations.
func genHistory(t *rapid.T) history {
	var orgs []orgConfig
	for _, org := range []string{"acme", "beta"}[:rapid.IntRange(1, 2).Draw(t, "orgs")] {
		orgs = append(orgs, newOrgConfig(genRules(t, org)))
	}
	return genHistoryOf(t, orgs, false)
}

func genHistoryOf(t *rapid.T, orgs []orgConfig, prompt bool) history {
	h := history{orgs: orgs, written: map[string][]*schemas.ThreadMessage{}}
	var arrivals []arrival
	for i := range rapid.IntRange(1, 3).Draw(t, "conversations") {
		// Two orgs may have a conversation of the same id.
		s := &story{t: t, org: orgs[i%len(orgs)].rules.ID, id: fmt.Sprintf("c-%d", i/len(orgs)+1), at: genEpoch, prompt: prompt}
		s.tell()
		arrivals = append(arrivals, s.arrivals...)
		h.written[s.org+"/"+s.id] = s.messages
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	// A file may hold no trace of when its late lines arrived: then time moves by
	// the events' own times alone.
	live := rapid.IntRange(0, 4).Draw(t, "live") > 0
	for _, a := range arrivals {
		own := inputTime(a.input)
		if live && a.at > own {
			h.moments = append(h.moments, moment{at: a.at, until: true})
		}
		h.moments = append(h.moments, moment{input: a.input, at: own})
	}
	if n := len(arrivals); n > 0 {
		wait := rapid.SampledFrom([]int64{3 * hour, 2 * day, minute}).Draw(t, "afterwards")
		h.moments = append(h.moments, moment{at: arrivals[n-1].at + wait, until: true})
	}
	return h
}

// tell draws one to three episodes.
func (s *story) tell() {
	for i := range rapid.IntRange(1, 3).Draw(s.t, "episodes") {
		if i > 0 {
			s.at += rapid.SampledFrom([]int64{0, 1, 10 * second, 2 * minute, 2*minute + 1, 11 * minute, hour, day, 2 * day}).Draw(s.t, "reopened after")
		}
		s.begin()
		for range rapid.IntRange(0, 9).Draw(s.t, "steps") {
			s.wait()
			s.step()
		}
		if rapid.IntRange(0, 5).Draw(s.t, "ends") > 0 {
			s.wait()
			s.finish()
		}
	}
}

func (s *story) wait() {
	s.at += rapid.SampledFrom([]int64{0, 1, second, 30 * second, 4 * minute, 5 * minute, 10 * minute, 25 * minute, hour}).Draw(s.t, "wait")
}

func (s *story) chance(n int, label string) bool {
	return rapid.IntRange(0, n-1).Draw(s.t, label) == n-1
}

// begin opens an episode; sometimes the customer's session is not the first or
// never told.
func (s *story) begin() {
	s.customerSince = s.at
	direction := "inbound"
	if s.chance(5, "outbound") {
		direction = "outbound"
	}
	if !s.chance(6, "without customer") {
		s.start(schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, direction)
	}
	if direction == "inbound" {
		s.message(schemas.Author_AUTHOR_CUSTOMER)
	}
	if s.chance(2, "queued") {
		s.start(schemas.EventTopic_EVENT_TOPIC_ACD_START, direction)
	}
}

// step draws what happens next.
func (s *story) step() {
	switch rapid.IntRange(0, 11).Draw(s.t, "step") {
	case 0:
		s.start(schemas.EventTopic_EVENT_TOPIC_ACD_START, "inbound")
	case 1, 2:
		s.start(schemas.EventTopic_EVENT_TOPIC_USER_START, rapid.SampledFrom([]string{"inbound", "outbound"}).Draw(s.t, "direction"))
	case 3, 4:
		s.endOne()
	case 5:
		s.start(rapid.SampledFrom([]schemas.EventTopic{schemas.EventTopic_EVENT_TOPIC_FLOW_START, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START}).Draw(s.t, "leg"), "inbound")
	case 6:
		s.attributes()
	case 7:
		s.contact()
	case 8:
		s.message(rapid.SampledFrom([]schemas.Author{schemas.Author_AUTHOR_CUSTOMER, schemas.Author_AUTHOR_AGENT, schemas.Author_AUTHOR_BOT}).Draw(s.t, "by"))
	case 9, 10, 11:
		if s.chance(3, "new message") {
			s.message(rapid.SampledFrom([]schemas.Author{schemas.Author_AUTHOR_AGENT, schemas.Author_AUTHOR_CUSTOMER}).Draw(s.t, "by"))
		}
		s.observe(false)
	}
}

// finish ends the sessions, or lets a look at the API see the end.
func (s *story) finish() {
	if s.chance(4, "end observed") {
		s.open = nil
		s.observe(true)
		return
	}
	for len(s.open) > 0 {
		s.end(0)
		if s.chance(6, "linger") {
			s.at += rapid.SampledFrom([]int64{1, 20 * second, minute, 3 * minute}).Draw(s.t, "lingers")
		}
	}
}

func (s *story) event(topic schemas.EventTopic) *schemas.ConversationEvent {
	return &schemas.ConversationEvent{OrgId: s.org, ConversationId: s.id, Topic: topic, EventTimeMs: s.at}
}

func (s *story) start(topic schemas.EventTopic, direction string) {
	e := s.event(topic)
	s.sessions++
	// Ids neither grow nor fall with time, so that ties are decided both ways.
	e.SessionId = fmt.Sprintf("s%d-%d", s.sessions*7%5, s.sessions)
	e.Direction = direction
	e.MediaType, e.MessageType = "message", rapid.SampledFrom(messageTypes).Draw(s.t, "type")
	switch rapid.IntRange(0, 9).Draw(s.t, "media") {
	case 0, 1:
		e.MediaType, e.MessageType = "email", ""
	case 2:
		e.MediaType, e.MessageType = "voice", ""
	}
	if s.chance(3, "division") {
		e.DivisionId = rapid.SampledFrom(divisions).Draw(s.t, "division id")
	}
	if l, _ := leg(e); (l == "acd" || l == "user") && !s.chance(5, "no queue") {
		e.QueueId = rapid.SampledFrom(queues).Draw(s.t, "queue")
	}
	if l, _ := leg(e); l == "user" {
		e.UserId = rapid.SampledFrom(agents).Draw(s.t, "user")
	}
	s.open = append(s.open, e)
	s.arrive(e)
}

func (s *story) endOne() {
	if len(s.open) > 0 {
		s.end(rapid.IntRange(0, len(s.open)-1).Draw(s.t, "which"))
	}
}

func (s *story) end(i int) {
	start := s.open[i]
	s.open = slices.Delete(s.open, i, i+1)
	e := start.CloneVT()
	e.Topic, e.EventTimeMs = start.Topic+1, s.at
	s.arrive(e)
	if s.chance(12, "second end") {
		again := e.CloneVT()
		again.EventTimeMs += rapid.SampledFrom([]int64{1, 30 * second}).Draw(s.t, "again")
		s.arrive(again)
	}
}

func (s *story) attributes() {
	e := s.event(schemas.EventTopic_EVENT_TOPIC_ATTRIBUTES)
	e.Attributes = map[string]string{
		rapid.SampledFrom([]string{"vip", "vip", "other"}).Draw(s.t, "key"): rapid.SampledFrom([]string{"yes", "no"}).Draw(s.t, "value"),
	}
	if s.chance(3, "communications") {
		e.CommunicationMedia = []string{rapid.SampledFrom([]string{"voice", "email"}).Draw(s.t, "communication")}
	}
	s.arrive(e)
}

// contact is an event of no session's start or end that says something of the
// conversation all the same.
func (s *story) contact() {
	s.sessions++
	e := s.event(schemas.EventTopic_EVENT_TOPIC_CONTACT)
	e.SessionId = fmt.Sprintf("x-%d", s.sessions)
	e.MediaType = rapid.SampledFrom([]string{"message", "email", "chat"}).Draw(s.t, "media")
	e.DivisionId = rapid.SampledFrom([]string{"", "d-a", "d-b"}).Draw(s.t, "division")
	s.arrive(e)
}
