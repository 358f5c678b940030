package stream

import (
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/processor/store"
)

// runner returns a runner that is in the group and whose turns are the test's to take.
func (k *kafka) runner(cfg Config) *runner {
	k.t.Helper()
	s, err := New(cfg, func(int32) Handler { return newToy() })
	if err != nil {
		k.t.Fatal(err)
	}
	var errs [3]error
	s.client, errs[0] = kgo.NewClient(plainOptions(s.cfg)...)
	s.admin = kadm.NewClient(s.client)
	s.cluster, errs[1] = inspect(k.ctx(), s.client, s.cfg)
	s.store, errs[2] = store.OpenMemory()
	r := newRunner(s, 0)
	if err := errors.Join(append(errs[:], r.open(k.ctx()))...); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() {
		r.close()
		s.closing.Wait()
		s.client.Close()
		if err := s.store.Close(); err != nil {
			k.t.Error(err)
		}
	})
	return r
}

// settle takes turns until all that the group has given to the runner is worked.
func (k *kafka) settle(r *runner) {
	k.t.Helper()
	waitFor(k.t, "the runner to work", func() error {
		if err := r.turn(k.t.Context()); err != nil {
			k.t.Fatal(err)
		}
		return r.ready()
	})
}

// What was assigned and taken away again before the runner came to take it up is not
// waited for, though the session does not tell of a second revocation.
func TestRunnersTakenAwayUnheard(t *testing.T) {
	k := newKafka(t, 4)
	r := k.runner(k.quiet("a"))
	k.settle(r)
	b := k.start(k.quiet("b"))
	b.owns(2)
	b.stop()
	k.leave("b")
	waitFor(t, "b's half to come back", func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if n := len(r.fresh); n != 2 {
			return fmt.Errorf("%d partitions", n)
		}
		return nil
	})
	c := k.start(k.quiet("c"))
	c.owns(2)
	k.settle(r)
	c.stop()
}
