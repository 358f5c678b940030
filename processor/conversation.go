package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"unpark/processor/sla"
	"unpark/processor/stream"
	"unpark/schemas"
)

// fewDecoded is about what the caches nearest to a core have room for.
const fewDecoded = 64

// Config is what the handlers of a process share.
type Config struct {
	Rules   *Rules
	Metrics *Metrics
	Logger  *slog.Logger
	// Decoded is how many conversations a transaction holds decoded before it encodes
	// them. 0: few, which costs least where most are touched once in a transaction.
	Decoded int
}

// Handler applies the records of one partition to the states of its
// conversations. It is used by one goroutine.
type Handler struct {
	ctx context.Context
	cfg Config

	conversations cache[*schemas.ConversationState]
	orgs          cache[*schemas.OrgState]
	sources       cache[*schemas.SourceState]
	asked         map[string]*askedOrg // by id, in this transaction
	newest        *askedOrg            // nil: none
	slice         int                  // how many conversations a tick judges again
	rejudging     rejudging
	repeats       repeats
	force         map[string]inForce // by org, as of the last look
	lookups       lookups
	key           []byte // memory of a key that is looked up
}

var _ stream.Handler = (*Handler)(nil)

// conversationStates returns a codec of conversations.
func conversationStates() codec[*schemas.ConversationState] {
	var decoder schemas.StateDecoder
	return codec[*schemas.ConversationState]{
		create: func() *schemas.ConversationState { return &schemas.ConversationState{} },
		append: schemas.AppendState,
		decode: decoder.Decode,
		reset:  decoder.Reset,
	}
}

// NewHandler returns the handler of one partition. ctx ends waits for
// org-config.
func NewHandler(ctx context.Context, cfg Config) *Handler {
	h := &Handler{
		ctx: ctx, cfg: cfg, slice: rejudgePerTick,
		conversations: newCache(conversationStates()),
		orgs:          newCache(plain(func() *schemas.OrgState { return &schemas.OrgState{} })),
		sources:       newCache(plain(func() *schemas.SourceState { return &schemas.SourceState{} })),
		asked:         make(map[string]*askedOrg),
		force:         make(map[string]inForce),
	}
	h.conversations.most = cmp.Or(cfg.Decoded, fewDecoded)
	h.lookups.of(h)
	return h
}

// Process implements stream.Handler.
func (h *Handler) Process(tx stream.Tx, rec stream.Record) error {
	switch kind := rec.Input.Kind.(type) {
	case *schemas.InputRecord_Event:
		return h.event(tx, kind.Event)
	case *schemas.InputRecord_ThreadObserved:
		return h.answer(tx, kind.ThreadObserved.OrgId, kind.ThreadObserved.ConversationId, sla.Input{Observed: kind.ThreadObserved})
	case *schemas.InputRecord_CheckFailed:
		return h.answer(tx, kind.CheckFailed.OrgId, kind.CheckFailed.ConversationId, sla.Input{Failed: kind.CheckFailed})
	case *schemas.InputRecord_ActionDone:
		return h.answer(tx, kind.ActionDone.OrgId, kind.ActionDone.ConversationId, sla.Input{Done: kind.ActionDone})
	case *schemas.InputRecord_SourceProgress:
		return h.progressed(tx, kind.SourceProgress)
	case *schemas.InputRecord_ConfigActivated:
		return h.activated(tx, kind.ConfigActivated, rec.Offset)
	default:
		return fmt.Errorf("offset %d: a kind of record this version does not process", rec.Offset)
	}
}

func (h *Handler) event(tx stream.Tx, e *schemas.ConversationEvent) error {
	if err := checkIDs(e.OrgId, e.ConversationId, e.SessionId); err != nil {
		return err
	}
	rules, err := h.inForce(tx, e.OrgId)
	if err != nil {
		return err
	}
	if rules == nil {
		h.cfg.Metrics.ignored.WithLabelValues("unknown_org").Inc()
		return nil
	}
	if err := h.carries(tx, e.OrgId, e.Source); err != nil {
		return err
	}
	if !sla.Counts(e) {
		h.cfg.Metrics.ignored.WithLabelValues("media").Inc()
		return nil
	}
	return h.step(tx, conversation{e.OrgId, e.ConversationId}, rules, sla.Input{Event: e})
}

// answer applies what was learnt of Genesys, asked for or not.
func (h *Handler) answer(tx stream.Tx, org, id string, in sla.Input) error {
	if err := checkIDs(org, id, ""); err != nil {
		return err
	}
	rules, err := h.inForce(tx, org)
	if err != nil {
		return err
	}
	if rules == nil {
		h.cfg.Metrics.ignored.WithLabelValues("unknown_org").Inc()
		return nil
	}
	return h.step(tx, conversation{org, id}, rules, in)
}

// Punctuate implements stream.Handler: a conversation is looked at.
func (h *Handler) Punctuate(tx stream.Tx, key []byte, due int64) (current bool, err error) {
	entry, err := h.conversations.get(tx, key)
	if err != nil || entry.value == nil || entry.value.DeadlineMs == nil || *entry.value.DeadlineMs != due {
		return false, err
	}
	entry.value.DeadlineMs = nil
	return true, h.look(tx, entry, sla.Input{})
}

// look judges a stored conversation without a new fact.
func (h *Handler) look(tx stream.Tx, stored *entry[*schemas.ConversationState], in sla.Input) error {
	org, id, err := schemas.ParseConversationKey(stored.key)
	if err != nil {
		return err
	}
	rules, err := h.inForce(tx, org)
	if err != nil {
		return err
	}
	if rules == nil {
		return fmt.Errorf("org %s has conversations and no rules in force", org)
	}
	entry, err := h.org(tx, org)
	if err != nil {
		return err
	}
	// While an org's conversations are judged by new rules, a look judges what is
	// raised before it raises more.
	in.Rejudge = in.Rejudge || entry.value.GetRejudgeFrom() != nil
	return h.stepOn(tx, stored, conversation{org, id}, rules, in)
}

// conversation is the identity of one: the ids of its org and its own.
type conversation struct{ org, id string }

// step finds a conversation and applies the input to it.
func (h *Handler) step(tx stream.Tx, c conversation, rules *sla.RuleSet, in sla.Input) error {
	h.key = schemas.AppendConversationKey(h.key[:0], c.org, c.id)
	stored, err := h.conversations.get(tx, h.key)
	if err != nil {
		return err
	}
	return h.stepOn(tx, stored, c, rules, in)
}

// stepOn applies the input to the state, saves it and its next look, and emits what
// follows.
func (h *Handler) stepOn(tx stream.Tx, stored *entry[*schemas.ConversationState], c conversation, rules *sla.RuleSet, in sla.Input) error {
	key, st := stored.key, stored.write()
	env := h.lookups.env(tx, c, rules)
	effects := sla.Step(st, in, env)
	next, ok := sla.NextLook(st, env)
	if err := h.lookups.err; err != nil {
		return err
	}
	if ok && (st.DeadlineMs == nil || next < *st.DeadlineMs) {
		dropDeadline(tx, key, st)
		at, err := tx.SetDeadline(key, next)
		if err != nil {
			return err
		}
		st.DeadlineMs = &at
	}
	if sla.Empty(st) {
		dropDeadline(tx, key, st)
		stored.remove()
	}
	if effects.None() {
		return nil
	}
	h.answered(c.org, effects.Answers)
	return errors.Join(h.escalate(tx, effects.Escalations), h.request(tx, effects.Requests))
}

func dropDeadline(tx stream.Tx, key []byte, st *schemas.ConversationState) {
	if st.DeadlineMs != nil {
		tx.DropDeadline(key, *st.DeadlineMs)
	}
}

// Flush implements stream.Handler.
func (h *Handler) Flush(tx stream.Tx) error {
	h.forgetAsked()
	return errors.Join(h.conversations.flush(tx), h.orgs.flush(tx), h.sources.flush(tx))
}

// Reset implements stream.Handler.
func (h *Handler) Reset() {
	h.conversations.reset()
	h.orgs.reset()
	h.sources.reset()
	h.forgetAsked()
	h.rejudging, h.repeats = rejudging{}, nil
}

// Deadline implements stream.Handler.
func (h *Handler) Deadline(key, value []byte) (at int64, ok bool, err error) {
	if len(key) == 0 || key[0] != schemas.KindConversation {
		return 0, false, nil
	}
	if at, ok, err = schemas.StateDeadline(value); err != nil {
		return 0, false, fmt.Errorf("state of %q: %w", key, err)
	}
	return at, ok, nil
}

// checkIDs refuses what no part of unpark writes.
func checkIDs(org, conversation, session string) error {
	switch {
	case org == "" || conversation == "":
		return stream.Poison("missing_id", errors.New("no org or conversation id"))
	case strings.IndexByte(org, 0) >= 0 || strings.IndexByte(conversation, 0) >= 0 || strings.IndexByte(session, 0) >= 0:
		return stream.Poison("bad_id", errors.New("an id with a zero byte"))
	}
	return nil
}
