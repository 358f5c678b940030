package processor_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"unpark/processor/replay"
	"unpark/processor/stream"
)

// TestShardsTellTheSame shows that several shards tell what one partition tells:
// the same bytes in the same order.
func TestShardsTellTheSame(t *testing.T) {
	oracle(t, 100)
	rapid.Check(t, func(rt *rapid.T) {
		h := genHistory(rt)
		for i := range rapid.IntRange(0, 4).Draw(rt, "more") {
			h.moments = interleave(rt, h.moments, genHistoryOf(rt, h.orgs, false).renamed(fmt.Sprint(i)))
		}
		want, _ := h.recorded(t)
		for _, shards := range []int{1, 2, 4, 7} {
			got := h.sharded(t, shards, rapid.IntRange(0, 20).Draw(rt, "judged every"))
			if !slices.Equal(got, asText(want)) {
				rt.Fatalf("%d shards tell\n%s\none partition\n%s", shards, got, want)
			}
		}
	})
}

func asText(values [][]byte) (texts []string) {
	for _, v := range values {
		texts = append(texts, string(v))
	}
	return texts
}

// renamed returns the moments as those of other conversations.
func (h history) renamed(suffix string) []moment {
	moments := slices.Clone(h.moments)
	for i := range moments {
		if moments[i].input == nil {
			continue
		}
		in := moments[i].input.CloneVT()
		if e := in.GetEvent(); e != nil {
			e.ConversationId += suffix
		} else {
			in.GetThreadObserved().ConversationId += suffix
		}
		moments[i].input = in
	}
	return moments
}

// interleave keeps the order of each.
func interleave(t *rapid.T, a, b []moment) (both []moment) {
	for len(a) > 0 && len(b) > 0 {
		from := &a
		if rapid.Bool().Draw(t, "the other one") {
			from = &b
		}
		both, *from = append(both, (*from)[0]), (*from)[1:]
	}
	return append(append(both, a...), b...)
}

// sharded returns what shards tell of a history, judged every so many facts (0: at
// its end).
func (h history) sharded(t *testing.T, shards, every int) (out []string) {
	t.Helper()
	var handlers []stream.Handler
	for range shards {
		handlers = append(handlers, newHandler(t, h))
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	d := replay.NewSharded(handlers, func(o stream.Output) error {
		out = append(out, string(o.Value))
		return nil
	})
	for _, in := range h.first() {
		check(d.Apply(in))
	}
	for i, m := range h.moments {
		conversation := m.input.GetEvent().GetConversationId() + m.input.GetThreadObserved().GetConversationId()
		check(d.Pipe(replay.Fact{Input: m.record(), At: m.at, Conversation: conversation}))
		if every > 0 && i%every == 0 {
			check(d.Commit())
		}
	}
	check(d.Commit())
	return out
}
