package sla

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"unpark/schemas"
)

// Effects is what follows from one step.
type Effects struct {
	// Escalations are to be told, in order.
	Escalations []*schemas.Escalation
	// Requests are to be asked of Genesys, in order.
	Requests []*schemas.GenesysRequest
	// Answers says what became of requests made before, for the metrics.
	Answers []Answer
}

// None reports whether nothing follows.
func (e *Effects) None() bool { return len(e.Escalations)+len(e.Requests)+len(e.Answers) == 0 }

// Answer is what became of a request.
type Answer string

// Answers.
const (
	AnswerObserved  Answer = "observed"  // the look at the conversation
	AnswerFailed    Answer = "failed"    // no look was possible
	AnswerDone      Answer = "done"      // the outcome of an action, whatever it is
	AnswerTimeout   Answer = "timeout"   // none within check_timeout
	AnswerForgotten Answer = "forgotten" // nobody waits for it any more
)

// Kinds of requests, as their ids have them.
const (
	kindCheck = "check"
	kindAct   = "act"
)

// requestID is the id of a request: hex of the first 16 bytes of SHA-256 over
// kind|orgId|conversationId|asked in epoch ms|serial; kind is check or act.
func requestID(kind, org, conversation string, asked int64, serial uint32) string {
	b := make([]byte, 0, 128)
	b = append(append(b, kind...), '|')
	b = append(append(b, org...), '|')
	b = append(append(b, conversation...), '|')
	b = append(strconv.AppendInt(b, asked, 10), '|')
	b = strconv.AppendUint(b, uint64(serial), 10)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// request returns a request made now, without its kind; the next of the
// conversation.
func (s *step) request(kind string, urgency schemas.Urgency, due int64) *schemas.GenesysRequest {
	s.st.Requests++
	r := &schemas.GenesysRequest{
		Id:    requestID(kind, s.env.Org, s.env.Conversation, s.env.Now, s.st.Requests),
		OrgId: s.env.Org, ConversationId: s.env.Conversation, Urgency: urgency, RequestedAtMs: s.env.Now, DueMs: due,
	}
	s.out.Requests = append(s.out.Requests, r)
	return r
}

func (s *step) answered(a Answer) { s.out.Answers = append(s.out.Answers, a) }
