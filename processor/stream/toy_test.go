package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"unpark/schemas"
)

// toy counts the events of a conversation and emits the count when the time of
// its newest event, plus its delay, has come. Like a real handler it keeps
// decoded states until Flush, or until there are many.
type toy struct {
	states map[string]*toyState
	order  []string
	more   int // ticks that ask for another one
	down   *atomic.Bool
}

type toyState struct {
	Count    int
	Deadline int64  `json:",omitempty"` // where the entry stands; 0: none
	Look     int64  `json:",omitempty"` // when it really is to be looked at
	Pad      string `json:",omitempty"`
	gone     bool
}

const (
	echoDirection   = "echo" // emits the count at once
	poisonDirection = "poison"
	brokenDirection = "broken"
	askDirection    = "ask" // is echo while down is not set
	padDirection    = "pad" // division_id is kept
	forgetDirection = "forget"
)

// toyMost is how many states a toy keeps decoded.
const toyMost = 2

func newToy() *toy { return &toy{states: make(map[string]*toyState), down: new(atomic.Bool)} }

func (h *toy) load(tx Tx, key string) (*toyState, error) {
	if st, ok := h.states[key]; ok {
		if st.gone {
			*st = toyState{}
		}
		return st, nil
	}
	if len(h.order) == toyMost {
		if err := h.Flush(tx); err != nil {
			return nil, err
		}
	}
	v, err := tx.Get([]byte(key))
	if err != nil {
		return nil, err
	}
	st := new(toyState)
	if v != nil {
		if err := json.Unmarshal(v, st); err != nil {
			return nil, err
		}
	}
	h.states[key] = st
	h.order = append(h.order, key)
	return st, nil
}

func (h *toy) Process(tx Tx, rec Record) error {
	ev := rec.Input.GetEvent()
	if ev == nil {
		return nil
	}
	switch ev.Direction {
	case poisonDirection:
		return Poison("bad_event", errors.New("poisoned"))
	case brokenDirection:
		return errors.New("broken")
	case askDirection:
		if h.down.Load() {
			return Unavailable(errors.New("nobody answers"))
		}
	}
	key := string(schemas.ConversationKey(ev.OrgId, ev.ConversationId))
	st, err := h.load(tx, key)
	if err != nil {
		return err
	}
	st.Count++
	switch ev.Direction {
	case padDirection:
		st.Pad = ev.DivisionId
	case forgetDirection:
		tx.DropDeadline([]byte(key), st.Deadline)
		st.gone = true
		return nil
	case echoDirection, askDirection:
		tx.Emit(Output{Topic: schemas.Escalations, Key: []byte(ev.ConversationId), Value: fmt.Appendf(nil, "%s#%d", ev.ConversationId, st.Count)})
		return nil
	}
	// A later look leaves the entry where it is, an earlier one sets another.
	if st.Look = ev.EventTimeMs; st.Deadline == 0 || st.Look < st.Deadline {
		st.Deadline, err = tx.SetDeadline([]byte(key), st.Look)
	}
	return err
}

func (h *toy) Punctuate(tx Tx, key []byte, due int64) (bool, error) {
	st, err := h.load(tx, string(key))
	if err != nil || st.Deadline != due {
		return false, err
	}
	st.Deadline = 0
	if st.Look > due {
		st.Deadline, err = tx.SetDeadline(key, st.Look)
		return true, err
	}
	_, conversation, err := schemas.ParseConversationKey(key)
	value := fmt.Sprintf("%s=%d due %d at %d", conversation, st.Count, due, tx.Now())
	if strings.HasPrefix(conversation, "loud") {
		value += strings.Repeat("!", 1_000_000)
	}
	tx.Emit(Output{Topic: schemas.Escalations, Key: []byte(conversation), Value: []byte(value)})
	return true, err
}

func (h *toy) Tick(Tx) (bool, error) {
	h.more = max(0, h.more-1)
	return h.more > 0, nil
}

func (h *toy) Flush(tx Tx) error {
	for _, key := range h.order {
		if h.states[key].gone {
			if err := tx.Delete([]byte(key)); err != nil {
				return err
			}
			continue
		}
		v, err := json.Marshal(h.states[key])
		if err != nil {
			return err
		}
		if err := tx.Put([]byte(key), v); err != nil {
			return err
		}
	}
	h.Reset()
	return nil
}

func (h *toy) Reset() {
	clear(h.states)
	h.order = nil
}

func (h *toy) Deadline(_, value []byte) (int64, bool, error) {
	var st toyState
	if err := json.Unmarshal(value, &st); err != nil {
		return 0, false, err
	}
	return st.Deadline, st.Deadline != 0, nil
}

func eventInput(conversation string, at int64) *schemas.InputRecord {
	return &schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{
		OrgId: "org", ConversationId: conversation, EventTimeMs: at,
	}}}
}

func tickInput(clockMs int64, maxDue uint32) *schemas.InputRecord {
	return &schemas.InputRecord{Kind: &schemas.InputRecord_Tick{Tick: &schemas.Tick{ClockMs: clockMs, MaxDue: maxDue}}}
}

func encode(in *schemas.InputRecord) []byte {
	v, err := in.MarshalVT()
	if err != nil {
		panic(err)
	}
	return v
}
