package processor

import (
	"cmp"
	"slices"

	"unpark/processor/stream"
	"unpark/schemas"
)

const (
	// repeatEvery is how old an activation, or its newest repeat, becomes before it is
	// repeated (milliseconds): far less than conversation-events is kept.
	repeatEvery = 24 * 60 * 60 * 1000
	// repeatPerTick bounds how many activations one tick repeats.
	repeatPerTick = 100
)

// parts are those of an org's configuration that are activated.
var parts = []string{schemas.PartRules, schemas.PartSchedules}

// activation is what an org's state remembers of the activation of a part.
type activation struct{ at, repeated *int64 }

func activationOf(org *schemas.OrgState, part string) activation {
	if org == nil {
		org = &schemas.OrgState{}
	}
	if part == schemas.PartSchedules {
		return activation{&org.SchedulesActivatedOffset, &org.SchedulesRepeatedMs}
	}
	return activation{&org.ActivatedOffset, &org.RepeatedMs}
}

func (a activation) offset() int64 { return *a.at }

func (a activation) set(offset, now int64) { *a.at, *a.repeated = offset, now }

// repetition is when the activation of a part of an org's configuration is to be
// repeated.
type repetition struct {
	at        int64
	org, part string
}

func repeatOf(org, part string, st *schemas.OrgState) repetition {
	return repetition{*activationOf(st, part).repeated + repeatEvery, org, part}
}

func (r repetition) compare(o repetition) int {
	return cmp.Or(cmp.Compare(r.at, o.at), cmp.Compare(r.org, o.org), cmp.Compare(r.part, o.part))
}

// repeats are the repetitions to come, as the stored OrgStates have them, in order;
// among them some that no longer hold.
type repeats []repetition

func (r *repeats) add(next repetition) {
	if i, ok := slices.BinarySearchFunc(*r, next, repetition.compare); !ok {
		*r = slices.Insert(*r, i, next)
	}
}

// repeat repeats the activations that are a day old, so that a reader of the log has
// them when the older part is gone. One from before the first tick had no time: its
// day begins now.
func (h *Handler) repeat(tx stream.Tx) error {
	for n := 0; n < repeatPerTick && len(h.repeats) > 0 && h.repeats[0].at <= tx.Now(); {
		next := h.repeats[0]
		h.repeats = h.repeats[1:]
		entry, err := h.org(tx, next.org)
		if err != nil {
			return err
		}
		if entry.value == nil || repeatOf(next.org, next.part, entry.value) != next {
			continue
		}
		n++
		org := entry.write()
		repeated := activationOf(org, next.part).repeated
		if *repeated != 0 {
			if err := emitRepeat(tx, next.org, next.part, org); err != nil {
				return err
			}
		}
		*repeated = tx.Now()
		h.repeats.add(repeatOf(next.org, next.part, org))
	}
	return nil
}

func emitRepeat(tx stream.Tx, org, part string, st *schemas.OrgState) error {
	in := &schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: &schemas.ConfigActivated{
		OrgId: org, Part: part, Version: st.Active[part], RepeatOf: activationOf(st, part).at,
	}}}
	value, err := in.MarshalVT()
	if err == nil {
		tx.Emit(stream.Output{Topic: schemas.ConversationEvents, Value: value})
	}
	return err
}

// correct has the version in force repeated by the next tick: the log has just
// repeated one that had been replaced, and whoever begins to read there would stay
// with it.
func (h *Handler) correct(tx stream.Tx, org, part string, st *schemas.OrgState) {
	*activationOf(st, part).repeated = tx.Now() - repeatEvery
	h.repeats.add(repeatOf(org, part, st))
}
