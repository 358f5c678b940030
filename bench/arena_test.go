package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/bench/loadgen"
	"unpark/internal/localtest"
	"unpark/schemas"
)

// arena is a broker with one log on conversation-events that every contender
// reads, each with a group, a changelog and escalations of its own.
type arena struct {
	t      *testing.T
	broker *localtest.Server
	cl     *kgo.Client
	adm    *kadm.Client
	dir    string

	binary, classpath string
	jvm               []string // of the peer
	runs              int

	events int
	ends   map[int32]int64 // of the log as it was filled
}

// load generates the records of a log and returns how many of them are events.
type load interface {
	Generate(emit func(loadgen.Record) error) (events int, err error)
}

// day is a load of about that many events that ends now.
func day(events int) load {
	return loadgen.Day{Events: events, Partitions: partitions, Seed: 1, End: time.Now()}
}

// newArena starts a broker and fills the log. The peer is going to run with the
// options jvm.
func newArena(t *testing.T, l load, jvm []string, opts ...localtest.Option) *arena {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs processes of its own")
	}
	a := &arena{t: t, dir: t.TempDir(), jvm: jvm}
	// A broker that has to wait for a processor is not to be taken for dead.
	opts = append(opts, localtest.Dir(filepath.Join(a.dir, "kafka")), localtest.KafkaProperty("broker.session.timeout.ms", "60000"))
	var err error
	if a.broker, err = localtest.StartKafka(opts...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.must(a.broker.Close()) })
	if a.cl, err = kgo.NewClient(kgo.SeedBrokers(a.broker.Addr), kgo.ProducerBatchCompression(kgo.Lz4Compression()),
		kgo.ProducerLinger(20*time.Millisecond), kgo.MaxBufferedRecords(100_000), kgo.RecordPartitioner(byKeyOrPartition())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.cl.Close)
	a.adm = kadm.NewClient(a.cl)
	a.binary = build(t, a.dir)
	config := a.configure(1)
	run(t, a.binary, "topics", "create", "--config", config)
	run(t, a.binary, "config", "apply", "--config", config)
	a.fill(l)
	return a
}

func (a *arena) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func javaSources(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("kstreams/src/main/java/unpark/bench/*.java")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d sources of the peer, error %v", len(files), err)
	}
	return files
}

// byKeyOrPartition sends ticks, which have no key, where they belong, and the
// rest where unpark does: by murmur2 of the key.
func byKeyOrPartition() kgo.Partitioner {
	byKey := kgo.StickyKeyPartitioner(nil)
	return kgo.BasicConsistentPartitioner(func(topic string) func(*kgo.Record, int) int {
		keyed := byKey.ForTopic(topic)
		return func(r *kgo.Record, n int) int {
			if r.Key == nil {
				return int(r.Partition)
			}
			return keyed.Partition(r, n)
		}
	})
}

// configure writes a configuration for a processor that begins with nothing: the
// orgs of the load, each with the policy that the peer knows. more is added to the
// processor's settings.
func (a *arena) configure(runners int, more ...string) (dir string) {
	a.runs++
	dir = filepath.Join(a.dir, "config"+strconv.Itoa(a.runs))
	a.write(filepath.Join(dir, "unpark.yaml"), fmt.Sprintf(`kafka: {brokers: ["%s"]}
topics: {prefix: %s, partitions: %d, replication: 1}
processor: {instance: bench, runners: %d, data_dir: "%s"%s}
http: {listen: "127.0.0.1:0"}
`, a.broker.Addr, prefix, partitions, runners, filepath.Join(a.dir, "data"+strconv.Itoa(a.runs)), strings.Join(append([]string{""}, more...), ", ")))
	for i, org := range loadgen.Orgs() {
		a.write(filepath.Join(dir, "orgs", strconv.Itoa(i)+".yaml"), "id: "+org+`
policies:
  - name: replies
    match: {media: [email, message]}
    objectives:
      - {objective: reply, hours: always, tiers: [{at: 3h30m, kind: warning, notify: [all]}, {at: 4h, kind: breach, notify: [all]}]}
routes: {all: [{terminal: {}}]}
`)
	}
	return dir
}

func (a *arena) write(name, text string) {
	a.t.Helper()
	a.must(os.MkdirAll(filepath.Dir(name), 0o755))
	a.must(os.WriteFile(name, []byte(text), 0o644))
}

func input() string { return schemas.ConversationEvents.Name(prefix) }

// fill writes the log with its own append times, as if it had been written live:
// the topic keeps what producers say for as long as that takes.
func (a *arena) fill(l load) {
	a.t.Helper()
	const key = "message.timestamp.type"
	a.alter(input(), key, "CreateTime")
	var err error
	a.events, err = l.Generate(func(r loadgen.Record) error {
		rec := &kgo.Record{Topic: input(), Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(r.AppendTime)}
		a.cl.Produce(a.t.Context(), rec, func(_ *kgo.Record, err error) {
			if err != nil {
				a.t.Error(err)
			}
		})
		return nil
	})
	a.must(err)
	a.must(a.cl.Flush(a.t.Context()))
	a.alter(input(), key, schemas.ConversationEvents.Config[key])
	offsets, err := a.adm.ListEndOffsets(a.t.Context(), input())
	a.must(err)
	a.must(offsets.Error())
	a.ends = make(map[int32]int64)
	offsets.Each(func(o kadm.ListedOffset) { a.ends[o.Partition] = o.Offset })
	if a.t.Failed() {
		a.t.FailNow()
	}
}

func (a *arena) alter(topic, key, value string) {
	a.t.Helper()
	responses, err := a.adm.AlterTopicConfigs(a.t.Context(), []kadm.AlterConfig{{Name: key, Value: &value}}, topic)
	a.must(err)
	for _, r := range responses {
		a.must(r.Err)
	}
}

// records is how many records the log has; done how many of them a group has
// committed.
func (a *arena) records() (n int64) {
	for _, end := range a.ends {
		n += end
	}
	return n
}

func (a *arena) done(group string) (n int64) {
	offsets, err := a.adm.FetchOffsets(a.t.Context(), group)
	if err != nil {
		return 0 // the group has no coordinator yet
	}
	for p, end := range a.ends {
		if o, ok := offsets.Lookup(input(), p); ok && o.At > 0 {
			n += min(o.At, end)
		}
	}
	return n
}

// forget removes a group, so that the next one of that name begins with nothing.
// Members that are to come back after a restart have not left it by themselves.
func (a *arena) forget(group string) {
	a.t.Helper()
	described, err := a.adm.DescribeGroups(a.t.Context(), group)
	a.must(err)
	leave := kadm.LeaveGroup(group).Reason("the run is over")
	for _, m := range described[group].Members {
		if m.InstanceID != nil {
			leave.InstanceIDs(*m.InstanceID)
		}
	}
	_, err = a.adm.LeaveGroup(a.t.Context(), leave)
	a.must(err)
	_, err = a.adm.DeleteGroup(a.t.Context(), group)
	a.must(err)
}
