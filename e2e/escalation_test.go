package e2e

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// escalation is what a test knows of one beforehand.
type escalation struct {
	ID           string `json:"id"`
	Status       string `json:"status"`
	Kind         string `json:"kind"`
	Org          string `json:"org"`
	Conversation string `json:"conversation"`
	Objective    string `json:"objective"`
	TierSeconds  int64  `json:"tierSeconds"`
	Policy       string `json:"policy"`
	Start        string `json:"start"`
	Due          string `json:"due"`
	Media        string `json:"media"`
}

// tier is one of the promise that all tests make.
type tier struct {
	at   time.Duration
	kind string
}

var (
	warning = tier{3*time.Hour + 30*time.Minute, "warning"}
	breach  = tier{4 * time.Hour, "breach"}
)

// raised returns the escalation of a tier whose clock began at start. The id
// follows from the rule that consumers are told of, not from unpark's code.
func raised(org, conversation, media string, start time.Time, of tier) escalation {
	due := start.Add(of.at)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|reply|%d|%d", org, conversation, of.at.Milliseconds(), due.UnixMilli()))
	return escalation{
		ID: hex.EncodeToString(sum[:16]), Status: "raised", Kind: of.kind, Org: org, Conversation: conversation,
		Objective: "reply", TierSeconds: int64(of.at.Seconds()), Policy: policyName,
		Start: instant(start), Due: instant(due), Media: media,
	}
}

// become returns the record that ends e.
func (e escalation) become(status string) escalation {
	e.Status = status
	return e
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func sorted(list []escalation) []escalation {
	return slices.SortedFunc(slices.Values(list), func(a, b escalation) int {
		return cmp.Or(cmp.Compare(a.Conversation, b.Conversation), cmp.Compare(a.TierSeconds, b.TierSeconds),
			cmp.Compare(a.ID, b.ID), cmp.Compare(a.Status, b.Status))
	})
}

// follower reads a topic as others do.
type follower struct {
	t     *testing.T
	topic string
	admin *kadm.Client

	mu      sync.Mutex
	records []*kgo.Record
	next    map[int32]int64
}

func follow(d *deployment, suffix string) *follower {
	d.t.Helper()
	return followAs(d, suffix, kgo.ReadCommitted())
}

func followAs(d *deployment, suffix string, level kgo.IsolationLevel) *follower {
	d.t.Helper()
	f := &follower{t: d.t, topic: d.topic(suffix), next: map[int32]int64{}}
	cl, err := kgo.NewClient(d.seeds(), kgo.ConsumeTopics(f.topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(level), kgo.KeepControlRecords(), kgo.FetchMaxWait(500*time.Millisecond))
	if err != nil {
		d.t.Fatal(err)
	}
	f.admin = kadm.NewClient(cl)
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() { f.read(ctx, cl) })
	d.t.Cleanup(func() { cancel(); reading.Wait(); cl.Close() })
	return f
}

func (f *follower) read(ctx context.Context, cl *kgo.Client) {
	for ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		f.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			f.next[r.Partition] = r.Offset + 1
			if !r.Attrs.IsControl() {
				f.records = append(f.records, r)
			}
		})
		f.mu.Unlock()
	}
}

func (f *follower) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.records)
}

// all returns the records up to the end that the topic has now.
func (f *follower) all() []*kgo.Record {
	f.t.Helper()
	ends, err := f.admin.ListCommittedOffsets(f.t.Context(), f.topic)
	if err = errors.Join(err, ends.Error()); err != nil {
		f.t.Fatal(err)
	}
	eventually(f.t, 30*time.Second, f.topic+" is read", func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		for id, end := range ends[f.topic] {
			if end.Offset > 0 && f.next[id] < end.Offset {
				return fmt.Errorf("partition %d is read up to %d of %d", id, f.next[id], end.Offset)
			}
		}
		return nil
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.records)
}

// escalations returns the records of the topic as tests compare them.
func (f *follower) escalations() []escalation {
	f.t.Helper()
	var list []escalation
	for _, r := range f.all() {
		var e escalation
		if err := json.Unmarshal(r.Value, &e); err != nil {
			f.t.Fatalf("%s/%d offset %d: %v\n%s", r.Topic, r.Partition, r.Offset, err, r.Value)
		}
		list = append(list, e)
	}
	return list
}

// counts how often each of the values occurs.
func counts[T comparable](values []T) map[T]int {
	m := make(map[T]int)
	for _, v := range values {
		m[v]++
	}
	return m
}

// uneven returns the differences of two counts, up to some: of ten thousand
// missing ones a few tell enough.
func uneven(got, want map[string]int) []string {
	keys := maps.Clone(want)
	maps.Copy(keys, got)
	var list []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if got[key] != want[key] && len(list) < 20 {
			list = append(list, fmt.Sprintf("%s: %d times, want %d", key, got[key], want[key]))
		}
	}
	return list
}
