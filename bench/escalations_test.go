package bench

import (
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// escalations is what a contender told: how often each record, value and headers,
// is on its topic.
type escalations map[string]int

func (e escalations) size() (n int) {
	for _, times := range e {
		n += times
	}
	return n
}

// told reads a topic of escalations, committed records only, to its end.
func (a *arena) told(topic string) escalations {
	a.t.Helper()
	ends, err := a.adm.ListCommittedOffsets(a.t.Context(), topic)
	a.must(err)
	a.must(ends.Error())
	left := make(map[int32]int64)
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	cl, err := kgo.NewClient(kgo.SeedBrokers(a.broker.Addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	a.must(err)
	defer cl.Close()
	all := make(escalations)
	for len(left) > 0 {
		fetches := cl.PollFetches(a.t.Context())
		a.must(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				all[string(r.Key)+" "+string(r.Value)+" "+fmt.Sprint(headers(r))]++
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return all
}

func headers(r *kgo.Record) (list []string) {
	for _, h := range r.Headers {
		list = append(list, h.Key+"="+string(h.Value))
	}
	return list
}

// differences lists where two contenders disagree, the first few of them.
func differences(one, other escalations) (list []string) {
	add := func(from, in escalations) {
		for e, n := range from {
			if m := in[e]; m < n {
				list = append(list, fmt.Sprintf("%d against %d times: %s", n, m, e))
			}
		}
	}
	add(one, other)
	add(other, one)
	slices.Sort(list)
	return list[:min(len(list), 6)]
}

// same fails the test unless both contenders told the same, each as often.
func same(t *testing.T, what string, one, other escalations) {
	t.Helper()
	if list := differences(one, other); len(list) > 0 {
		t.Errorf("%s: %d and %d escalations, which differ:", what, one.size(), other.size())
		for _, d := range list {
			t.Log(d)
		}
	}
}

// count counts escalations by status and kind.
func (e escalations) count(t *testing.T) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for text, n := range e {
		value := text[len("00000000-0000-0000-0000-000000000000 "):]
		value = value[:1+lastBrace(value)]
		escalation, err := schemas.DecodeEscalation([]byte(value))
		if err != nil {
			t.Fatal(err)
		}
		counts[escalation.Status+" "+escalation.Kind] += n
	}
	return counts
}

func lastBrace(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '}' {
			return i
		}
	}
	return -1
}

func TestDifferences(t *testing.T) {
	one := escalations{"a": 1, "b": 2, "c": 1}
	if got := differences(one, escalations{"a": 1, "b": 2, "c": 1}); len(got) != 0 {
		t.Errorf("equal escalations differ: %v", got)
	}
	for name, other := range map[string]escalations{
		"missing": {"a": 1, "b": 2}, "told once less": {"a": 1, "b": 1, "c": 1}, "told twice": {"a": 2, "b": 2, "c": 1}, "more": {"a": 1, "b": 2, "c": 1, "d": 1},
	} {
		if got := differences(one, other); len(got) != 1 {
			t.Errorf("%s: %q, want one difference", name, got)
		}
	}
}
