package stream

import (
	"errors"
	"fmt"
)

// unitGuard finds the step of a transaction that writes more than a topic takes.
// Steps are one Process, one Punctuate or one Tick of the handler; they are
// numbered in the order in which they run, which is the same in every run.
type unitGuard struct {
	n        int
	careful  bool             // flush and check after every step
	rejected map[int]struct{} // steps that are skipped
}

func (g *unitGuard) restart() { g.n = 0 }

// oversizedError says that a step writes too much.
type oversizedError struct{ unit int }

func (e *oversizedError) Error() string { return fmt.Sprintf("step %d writes too much", e.unit) }

func isOversized(err error) bool {
	var o *oversizedError
	return errors.As(err, &o)
}

// unit runs one step of the transaction, or reject if it is known to write more
// than a topic takes.
func (t *Task) unit(run func() error, reject func()) error {
	n := t.units.n
	t.units.n++
	if _, ok := t.units.rejected[n]; ok {
		reject()
		return nil
	}
	if err := run(); err != nil || !t.units.careful {
		return err
	}
	if err := t.cfg.Handler.Flush(t.tx); err != nil {
		return err
	}
	if t.tx.oversized {
		return &oversizedError{n}
	}
	return nil
}

// rerun applies the transaction's records anew, flushing after every step. If
// one writes too much it is rejected and the transaction is left as it was,
// oversized.
func (t *Task) rerun() error {
	t.rollback()
	t.units.careful = true
	for _, rec := range t.records {
		err := t.apply(rec)
		var o *oversizedError
		if errors.As(err, &o) {
			if t.units.rejected == nil {
				t.units.rejected = make(map[int]struct{})
			}
			t.units.rejected[o.unit] = struct{}{}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
