package eventbridge

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"unpark/schemas"
)

const (
	// MaxEnvelope is the largest envelope in bytes, as EventBridge has it.
	MaxEnvelope = 256 << 10

	maxID    = 256
	maxAhead = 5 * time.Minute
)

// Event times are milliseconds since the Unix epoch; anything outside these
// years is a unit mistaken for another.
var (
	earliest = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	latest   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
)

// Decoded is one envelope without what the clocks do not need.
type Decoded struct {
	// Org and Conversation are the conversation's identity.
	Org, Conversation string
	// EventTime is the envelope's own time in milliseconds since the Unix epoch:
	// eventBody.eventTime, for an observation observedAt.
	EventTime int64
	// Input holds a ConversationEvent or a ThreadObserved. The event's source is
	// left to the reader of the source.
	Input *schemas.InputRecord
	// OrgKnown repeats what keep said. Without it no attribute is kept.
	OrgKnown bool
}

// Keeper names the attributes that an org keeps and says whether the org is known
// at all.
type Keeper func(org string) (attributes []string, known bool)

// Decode reads one EventBridge envelope, for whose org it asks keep.
//
// The error is a *DecodeError. Decode keeps nothing of raw and is safe for
// concurrent use if keep is. The format is that of Genesys's detail events
// (v2.detail.events.conversation.{id}.*) and of unpark.thread.observed.
func Decode(raw []byte, keep Keeper) (Decoded, error) {
	d := Decoder{keep: keep, slots: make([]slot, 1)}
	return d.Decode(raw)
}

// decode reads an envelope of any form, part by part, and says what is wrong with
// one that cannot be used.
func decode(raw []byte, keep Keeper) (Decoded, error) {
	env, err := readEnvelope(raw)
	if err != nil {
		return Decoded{}, err
	}
	org, err := orgOf(env.source)
	if err != nil {
		return Decoded{}, err
	}
	d := Decoded{Org: org}
	var attributes []string
	attributes, d.OrgKnown = keep(org)

	if env.detailType == observationType {
		err = d.observation(env)
	} else {
		err = d.event(env, attributes)
	}
	if err == nil {
		err = checkTimes(d.EventTime, env.time)
	}
	if err != nil {
		return Decoded{}, err
	}
	return d, nil
}

func (d *Decoded) event(env envelope, attributes []string) error {
	topic, ok := topicOf([]byte(env.detailType))
	if !ok {
		return fail(UnknownTopic, "the detail-type is no detail event of a conversation")
	}
	s := scanner{b: env.body}
	f := fields{topic: topic}
	f.read(&s, attributes)
	if s.mistyped {
		return fail(WrongEnvelope, "a field of eventBody is of another type")
	}
	e := &schemas.ConversationEvent{}
	f.fill(e, d.Org, []byte(env.id), &strings.Builder{})
	d.Conversation, d.EventTime = e.ConversationId, e.EventTimeMs
	d.Input = &schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: e}}
	if hasSession(topic) && e.SessionId == "" {
		return fail(MissingID, "a .start or .end without sessionId")
	}
	return checkIDs(id{"conversationId", e.ConversationId, true},
		id{"org id", e.OrgId, true}, id{"id", e.EnvelopeId, false},
		id{"participantId", e.ParticipantId, false}, id{"sessionId", e.SessionId, false},
		id{"queueId", e.QueueId, false}, id{"userId", e.UserId, false}, id{"divisionId", e.DivisionId, false})
}

// orgOf returns the org id of aws.partner/genesys.com/cloud/{orgId}/{suffix}.
func orgOf(source string) (string, error) {
	rest, ok := strings.CutPrefix(source, "aws.partner/genesys.com")
	if !ok {
		return "", fail(WrongEnvelope, "the source is no Genesys org")
	}
	rest, ok = strings.CutPrefix(strings.TrimPrefix(rest, ".test"), "/cloud/")
	if !ok {
		return "", fail(WrongEnvelope, "the source is no Genesys org")
	}
	org, _, _ := strings.Cut(rest, "/")
	if org == "" {
		return "", fail(WrongEnvelope, "the source names no org")
	}
	return org, nil
}

// checkTimes compares the event's own time with the calendar and with the time
// at which EventBridge took the envelope, if it says one.
func checkTimes(eventTime int64, envelopeTime string) error {
	if !Plausible(eventTime) {
		return fail(BadTime, "event time missing or outside 2010..2100")
	}
	if envelopeTime == "" {
		return nil
	}
	taken, err := time.Parse(time.RFC3339, envelopeTime)
	if err != nil {
		return fail(BadTime, "the envelope's time is not RFC 3339")
	}
	if eventTime > taken.Add(maxAhead).UnixMilli() {
		return fail(TimeAhead, "event time more than "+maxAhead.String()+" after the envelope's time")
	}
	return nil
}

// Plausible reports whether ms is in milliseconds since the Unix epoch, and not
// in another unit mistaken for it.
func Plausible(ms int64) bool { return earliest <= ms && ms < latest }

// id is an id with its field's name for the error.
type id struct {
	field, value string
	needed       bool
}

func checkIDs(ids ...id) error {
	for _, id := range ids {
		switch {
		case id.needed && id.value == "":
			return fail(MissingID, id.field+" is missing")
		case len(id.value) > maxID:
			return fail(BadID, fmt.Sprintf("%s has more than %d bytes", id.field, maxID))
		case strings.IndexByte(id.value, 0) >= 0:
			return fail(BadID, id.field+" has a zero byte")
		}
	}
	return nil
}

func fail(reason Reason, what string) error {
	return &DecodeError{Reason: reason, Err: errors.New(what)}
}
