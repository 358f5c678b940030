package processor

import (
	"errors"

	"unpark/processor/sla"
	"unpark/processor/stream"
)

// lookups is what a step may look up, for the step in hand. A handler has one, so
// that a step makes no closures.
type lookups struct {
	h     *Handler
	tx    stream.Tx
	c     conversation
	rules *sla.RuleSet
	err   error // those of this step

	version func(version, schedules string) *sla.RuleSet
	held    func(int64) (int64, bool)
	mayAct  func() bool
}

// of makes l the lookups of a handler.
func (l *lookups) of(h *Handler) {
	l.h = h
	l.version = func(version, schedules string) *sla.RuleSet {
		rs, err := h.cfg.Rules.Get(h.ctx, l.c.org, version, schedules)
		l.err = errors.Join(l.err, err)
		return rs
	}
	l.held = func(due int64) (int64, bool) {
		retry, held, err := h.held(l.tx, l.c.org, due, l.rules.Hold())
		l.err = errors.Join(l.err, err)
		return retry, held
	}
	l.mayAct = func() bool {
		allowed, err := h.mayAct(l.tx, l.c.org, l.rules.ActionsPerHour())
		l.err = errors.Join(l.err, err)
		return allowed
	}
}

// env begins a step.
func (l *lookups) env(tx stream.Tx, c conversation, rules *sla.RuleSet) sla.Env {
	l.tx, l.c, l.rules, l.err = tx, c, rules, nil
	return sla.Env{
		Now: tx.Now(), Paused: tx.Now() - tx.Ticked(), Org: c.org, Conversation: c.id, Rules: rules,
		Version: l.version, Held: l.held, MayAct: l.mayAct,
	}
}
