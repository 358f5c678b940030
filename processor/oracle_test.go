package processor_test

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

// oracleSeeds is how many scenarios TestOracle plays; UNPARK_ORACLE sets another
// number.
const oracleSeeds = 12

// scenario is a history, a cluster, and what befalls the processes that read the
// one on the other.
type scenario struct {
	history    history
	partitions int32
	runners    int
	interval   time.Duration
	maxRecords int
	lives      []life
}

// life is one process: how it ends, and what goes wrong meanwhile.
type life struct {
	// until is the share of the log, in percent, that is read when it ends.
	until  int
	end    string
	faults []fault
	// turn is what the cluster does half way.
	turn string
}

// turns are what a cluster does by itself.
var turns = map[string]func(*kfake.Cluster){
	"nothing":           func(*kfake.Cluster) {},
	"leaders move":      (*kfake.Cluster).ShufflePartitionLeaders,
	"coordinators move": (*kfake.Cluster).RehashCoordinators,
	"compaction":        (*kfake.Cluster).Compact,
}

// Ends of a process, and what its successor finds.
const (
	endStop  = "stop"         // told to stop; the disk as it was left
	endCrash = "crash"        // cut off; the disk as after a power cut
	endLost  = "lose the dir" // cut off; an empty disk
)

// fault is an answer of the brokers instead of the right one.
type fault struct {
	key   kmsg.Key
	err   *kerr.Error
	after int // so many requests are answered rightly first
	count int
}

// faultsByKey are answers that brokers give, by request.
var faultsByKey = map[kmsg.Key][]*kerr.Error{
	kmsg.Produce:         {kerr.NotLeaderForPartition, kerr.InvalidRecord, kerr.RequestTimedOut},
	kmsg.EndTxn:          {kerr.RequestTimedOut, kerr.UnknownServerError, kerr.CoordinatorNotAvailable},
	kmsg.TxnOffsetCommit: {kerr.IllegalGeneration, kerr.CoordinatorLoadInProgress, kerr.UnknownMemberID},
	kmsg.Fetch:           {kerr.NotLeaderForPartition, kerr.UnknownServerError},
	kmsg.Heartbeat:       {kerr.RebalanceInProgress, kerr.UnknownMemberID},
	kmsg.OffsetFetch:     {kerr.UnstableOffsetCommit, kerr.CoordinatorLoadInProgress},
	kmsg.ListOffsets:     {kerr.NotLeaderForPartition},
	kmsg.InitProducerID:  {kerr.ConcurrentTransactions, kerr.CoordinatorNotAvailable},
}

var faultKeys = []kmsg.Key{
	kmsg.Produce, kmsg.EndTxn, kmsg.TxnOffsetCommit, kmsg.Fetch, kmsg.Heartbeat, kmsg.OffsetFetch, kmsg.ListOffsets, kmsg.InitProducerID,
}

func genScenario(t *rapid.T) scenario {
	s := scenario{
		history:    genChangedHistory(t, genRules),
		partitions: rapid.SampledFrom([]int32{1, 2, 3}).Draw(t, "partitions"),
		runners:    rapid.IntRange(1, 2).Draw(t, "runners"),
		interval:   rapid.SampledFrom([]time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond}).Draw(t, "interval"),
		maxRecords: rapid.SampledFrom([]int{1, 3, 10_000}).Draw(t, "max records"),
	}
	until := 0
	for i := range rapid.IntRange(1, 4).Draw(t, "lives") {
		label := fmt.Sprintf("life %d ", i)
		until += rapid.IntRange(1, 30).Draw(t, label+"length")
		l := life{until: min(until, 100), end: rapid.SampledFrom([]string{endStop, endCrash, endLost}).Draw(t, label+"end")}
		l.turn = rapid.SampledFrom(slices.Sorted(maps.Keys(turns))).Draw(t, label+"turn")
		for j := range rapid.IntRange(0, 2).Draw(t, label+"faults") {
			f := fault{key: rapid.SampledFrom(faultKeys).Draw(t, label+"key")}
			f.err = rapid.SampledFrom(faultsByKey[f.key]).Draw(t, label+"error")
			f.after = rapid.IntRange(0, 5).Draw(t, label+strconv.Itoa(j))
			f.count = rapid.IntRange(1, 2).Draw(t, label+"count")
			l.faults = append(l.faults, f)
		}
		s.lives = append(s.lives, l)
	}
	s.lives = append(s.lives, life{until: 100, end: endStop, turn: "nothing"})
	return s
}

// TestOracle: whatever happens to the processes, and however the log is cut into
// partitions and transactions, what is committed is what the model says, each
// record once and byte for byte as the replay writes it.
func TestOracle(t *testing.T) {
	n := oracleSeeds
	if s := os.Getenv("UNPARK_ORACLE"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("UNPARK_ORACLE: %v", err)
		}
	}
	gen := rapid.Custom(genScenario)
	for seed := range n {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			s := gen.Example(seed)
			records, log := s.history.recorded(t)
			var out []stream.Output
			for _, r := range records {
				out = append(out, stream.Output{Topic: schemas.Escalations, Value: r})
			}
			if diff := cmp.Diff(byLog(t, s.history.orgs, log, out)); diff != "" {
				t.Fatalf("(-model +replay):\n%s", diff)
			}
			t.Logf("%d records on %d partitions, %d escalations, %d lives", len(log), s.partitions, len(records), len(s.lives))
			if diff := cmp.Diff(byConversation(t, records), byConversation(t, s.play(t, log))); diff != "" {
				t.Errorf("(-replay +kafka):\n%s\n%s", diff, s.history)
			}
		})
	}
}

// TestAnyCores: the same bytes whether one core works or two, in a replay, in shards
// side by side and through Kafka.
func TestAnyCores(t *testing.T) {
	scenarios, histories := rapid.Custom(genScenario), rapid.Custom(genHistory)
	for seed := range 4 {
		s, h := scenarios.Example(1000+seed), histories.Example(seed)
		s.lives = s.lives[len(s.lives)-1:] // what befalls processes is TestOracle's
		want, log := s.history.recorded(t)
		sharded, _ := h.recorded(t)
		for _, cores := range []int{1, 2} {
			func() {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
				got, _ := s.history.recorded(t)
				if diff := cmp.Diff(asText(want), asText(got)); diff != "" {
					t.Errorf("seed %d, replay on %d cores:\n%s", seed, cores, diff)
				}
				if diff := cmp.Diff(asText(sharded), h.sharded(t, 4, 3)); diff != "" {
					t.Errorf("seed %d, shards on %d cores:\n%s", seed, cores, diff)
				}
				if diff := cmp.Diff(byConversation(t, want), byConversation(t, s.play(t, log))); diff != "" {
					t.Errorf("seed %d, Kafka on %d cores:\n%s", seed, cores, diff)
				}
			}()
		}
	}
}

// recorded returns what a replay of the history says, and the log it made.
func (h history) recorded(t *testing.T) (out [][]byte, log []stream.Record) {
	t.Helper()
	d, err := replay.New(newHandler(t, h), func(o stream.Output) error {
		out = append(out, o.Value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.Log = func(r stream.Record) { log = append(log, r) }
	for _, in := range h.first() {
		if err := d.Apply(in); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range h.moments {
		if err := d.Pipe(m.record(), m.at); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	return out, log
}

func decodeAll(t *testing.T, records [][]byte) []*schemas.Escalation {
	t.Helper()
	var out []*schemas.Escalation
	for _, r := range records {
		e, err := schemas.DecodeEscalation(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// byConversation keeps the order of what one conversation says.
func byConversation(t *testing.T, records [][]byte) map[string][]string {
	t.Helper()
	said := make(map[string][]string)
	for i, e := range decodeAll(t, records) {
		key := e.Org + "/" + e.Conversation
		said[key] = append(said[key], string(records[i]))
	}
	return said
}
