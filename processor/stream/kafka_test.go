package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"unpark/schemas"
)

const testTimeout = 30 * time.Second

// realKafka names the environment variable with the address of a real broker:
// the tests that need no fault of the embedded one run on it too.
const realKafka = "UNPARK_TEST_KAFKA"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kafka is a broker with unpark's topics.
type kafka struct {
	t      testing.TB
	prefix string
	seeds  []string
	fake   *kfake.Cluster // nil: a real broker
	cl     *kgo.Client
	admin  *kadm.Client
}

// newKafka returns the embedded broker, or a real one if there is one.
func newKafka(t testing.TB, partitions int32) *kafka {
	t.Helper()
	addr := os.Getenv(realKafka)
	if addr == "" {
		return newFake(t, partitions)
	}
	k := &kafka{t: t, prefix: fmt.Sprintf("%s.%d.", strings.ReplaceAll(t.Name(), "/", "."), time.Now().UnixNano()), seeds: strings.Split(addr, ",")}
	k.connect(partitions)
	return k
}

func newFake(t testing.TB, partitions int32, opts ...kfake.Opt) *kafka {
	t.Helper()
	fake, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	k := &kafka{t: t, prefix: "t.", seeds: fake.ListenAddrs(), fake: fake}
	k.connect(partitions)
	return k
}

func (k *kafka) connect(partitions int32) {
	k.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.seeds...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(cl.Close)
	k.cl, k.admin = cl, kadm.NewClient(cl)
	if partitions > 0 {
		for _, topic := range schemas.Topics() {
			k.create(topic, partitions)
		}
	}
}

// group is the consumer group, as the configuration makes it.
func (k *kafka) group() string { return strings.TrimRight(k.prefix, ".") + "-processor" }

func (k *kafka) create(topic schemas.Topic, partitions int32) {
	k.t.Helper()
	configs := make(map[string]*string)
	for key, v := range topic.Config {
		configs[key] = &v
	}
	if k.fake != nil {
		delete(configs, "message.timestamp.type")
	}
	if !topic.Partitioned {
		partitions = 1
	}
	name := topic.Name(k.prefix)
	if _, err := k.admin.CreateTopic(k.ctx(), partitions, 1, configs, name); err != nil {
		k.t.Fatal(err)
	}
	waitFor(k.t, "topic "+name, func() error { // a real broker learns of it a little later
		m, err := k.admin.Metadata(k.ctx(), name)
		if err != nil {
			return err
		}
		return m.Topics[name].Err
	})
}

// alter sets a topic's configuration.
func (k *kafka) alter(topic schemas.Topic, key, value string) {
	k.t.Helper()
	name := topic.Name(k.prefix)
	rs, err := k.admin.AlterTopicConfigs(k.ctx(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, name)
	if err == nil {
		_, err = rs.On(name, func(r *kadm.AlterConfigsResponse) error { return r.Err })
	}
	if err != nil {
		k.t.Fatal(err)
	}
	waitFor(k.t, name+" to have "+key+"="+value, func() error { // a real broker learns of it a little later
		rcs, err := k.admin.DescribeTopicConfigs(k.ctx(), name)
		if err != nil {
			return err
		}
		for _, rc := range rcs {
			for _, c := range rc.Configs {
				if c.Key == key && c.MaybeValue() == value {
					return rc.Err
				}
			}
		}
		return errors.New("not yet")
	})
}

func (k *kafka) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	k.t.Cleanup(cancel)
	return ctx
}

func (k *kafka) config(instance, dir string) Config {
	return Config{
		Kafka:  []kgo.Opt{kgo.SeedBrokers(k.seeds...), kgo.MetadataMinAge(50 * time.Millisecond)},
		Prefix: k.prefix, Instance: instance, DataDir: dir, Embedded: k.fake != nil, CommitInterval: 5 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(k.t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
}

// worked runs process a on a data dir through the first n events of each partition,
// and returns what it told.
func (k *kafka) worked(dir string, partitions int32, n int) []string {
	k.t.Helper()
	p := k.start(k.config("a", dir))
	want := k.echo(partitions, 0, n)
	k.waitEscalations(want)
	p.stop()
	return want
}

// workedOn runs it again through as many events of partition 0 behind those; it returns
// what it logged, and all that was told.
func (k *kafka) workedOn(dir string, told []string) (said *logged, all []string) {
	k.t.Helper()
	said = new(logged)
	cfg := k.config("a", dir)
	cfg.Logger = said.logger(k.t)
	p := k.start(cfg)
	n := len(told)
	all = append(told, k.echo(1, n, n)...)
	k.waitEscalations(all)
	p.stop()
	return said, all
}

// leave takes the runner of a stopped process out of the group, as the time does
// after which a static member is given up.
func (k *kafka) leave(instance string) {
	k.t.Helper()
	leave := kadm.LeaveGroup(k.group()).InstanceIDs(k.group() + "-" + instance + "-0")
	if _, err := k.admin.LeaveGroup(k.ctx(), leave); err != nil {
		k.t.Fatal(err)
	}
}

// process is a process that runs runners.
type process struct {
	t       testing.TB
	runners *Runners
	cancel  context.CancelFunc
	done    chan struct{}
	err     error
}

func (k *kafka) start(cfg Config) *process { return k.startWith(cfg, newToy) }

func (k *kafka) startWith(cfg Config, handler func() *toy) *process {
	k.t.Helper()
	r, err := New(cfg, func(int32) Handler { return handler() })
	if err != nil {
		k.t.Fatal(err)
	}
	return k.run(r)
}

func (k *kafka) run(r *Runners) *process {
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{t: k.t, runners: r, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		if p.err = r.Run(ctx); p.err != nil {
			k.t.Log("run:", p.err)
		}
	}()
	k.t.Cleanup(func() { p.cancel(); <-p.done })
	return p
}

func (p *process) stop() {
	p.t.Helper()
	p.cancel()
	if err := p.wait(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) wait() error {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(testTimeout):
		p.t.Fatal("the runners do not end")
	}
	return p.err
}

func (p *process) waitReady() {
	p.t.Helper()
	waitFor(p.t, "ready", p.runners.Ready)
}

// waitFor waits until check returns nil.
func waitFor(t testing.TB, what string, check func() error) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(testTimeout)
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("waiting for %s: %v", what, err)
		}
	}
}

// await waits until c is closed.
func (k *kafka) await(c <-chan struct{}, what string) {
	k.t.Helper()
	select {
	case <-c:
	case <-time.After(testTimeout):
		k.t.Fatalf("waiting for %s", what)
	}
}

func (k *kafka) produce(partition int32, value []byte) {
	k.t.Helper()
	rec := &kgo.Record{Topic: schemas.ConversationEvents.Name(k.prefix), Partition: partition, Key: []byte("k"), Value: value}
	if err := k.cl.ProduceSync(k.ctx(), rec).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
}

// echo produces events that are answered with a count each, n to every one of
// the partitions, and returns the answers.
func (k *kafka) echo(partitions int32, from, n int) []string {
	k.t.Helper()
	var recs []*kgo.Record
	var want []string
	for i := from; i < from+n; i++ {
		for p := range partitions {
			in := eventInput(fmt.Sprintf("c%d", p), 0)
			in.GetEvent().Direction = echoDirection
			recs = append(recs, &kgo.Record{Topic: schemas.ConversationEvents.Name(k.prefix), Partition: p, Value: encode(in)})
			want = append(want, fmt.Sprintf("c%d#%d", p, i+1))
		}
	}
	if err := k.cl.ProduceSync(k.ctx(), recs...).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
	return want
}

// read returns the committed records of a topic.
func (k *kafka) read(topic schemas.Topic) []*kgo.Record {
	k.t.Helper()
	name := topic.Name(k.prefix)
	ends, err := k.admin.ListCommittedOffsets(k.ctx(), name)
	if err != nil {
		k.t.Fatal(err)
	}
	var recs []*kgo.Record
	ends.Each(func(o kadm.ListedOffset) {
		m, err := k.admin.Metadata(k.ctx(), name)
		if err != nil {
			k.t.Fatal(err)
		}
		f := fetcher{client: k.cl, admin: k.admin, topic: name, topicID: m.Topics[name].ID, partition: o.Partition}
		for at := int64(0); at < o.Offset; {
			c, err := f.fetch(k.ctx(), at)
			if err != nil {
				k.t.Fatal(err)
			}
			recs, at = append(recs, c.records...), c.next
		}
	})
	return recs
}

func (k *kafka) values(topic schemas.Topic) []string {
	k.t.Helper()
	var vs []string
	for _, r := range k.read(topic) {
		vs = append(vs, string(r.Value))
	}
	return slices.Sorted(slices.Values(vs))
}

// waitEscalations waits until there are as many escalations as wanted and checks
// that they are those.
func (k *kafka) waitEscalations(want []string) {
	k.t.Helper()
	waitFor(k.t, "escalations", func() error {
		if n := len(k.values(schemas.Escalations)); n < len(want) {
			return fmt.Errorf("%d of %d", n, len(want))
		}
		return nil
	})
	k.checkEscalations(want)
}

func (k *kafka) checkEscalations(want []string) {
	k.t.Helper()
	want = slices.Sorted(slices.Values(want))
	if diff := cmp.Diff(want, k.values(schemas.Escalations)); diff != "" {
		k.t.Errorf("escalations (-want +got):\n%s", diff)
	}
}

// link is a process's way to the brokers; it can be cut.
type link struct {
	mu     sync.Mutex
	cut    bool
	lose   func()      // called once the answer to the next EndTxn has been lost, and the link cut
	answer *kerr.Error // what the next EndTxns are answered with, whatever the brokers say
	spoil  int         // how many of them
	conns  []net.Conn
}

// loseEnd cuts the link when the brokers have answered the next EndTxn, and
// before the process hears of it; then it calls lost.
func (l *link) loseEnd(lost func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose = lost
}

// spoilEnd replaces the answers to the next n EndTxns. The brokers have done what
// they were asked for.
func (l *link) spoilEnd(answer *kerr.Error, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer, l.spoil = answer, n
}

// linkConn looks for the answer that is to be lost or replaced.
type linkConn struct {
	net.Conn
	l     *link
	ended atomic.Bool  // an EndTxn was sent
	id    atomic.Int64 // its number on the wire
}

func (c *linkConn) Write(b []byte) (int, error) {
	// A request: its size in 4 bytes, the key of its kind, a version, its number.
	if len(b) > 12 && kmsg.Key(binary.BigEndian.Uint16(b[4:])) == kmsg.EndTxn {
		c.id.Store(int64(binary.BigEndian.Uint32(b[8:])))
		c.ended.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *linkConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.l.mu.Lock()
	lost := c.l.lose
	// An answer: its size in 4 bytes, the request's number, no tags, the time to wait in
	// 4 bytes, an error.
	if c.l.spoil > 0 && c.ended.Load() && n > 15 && int64(binary.BigEndian.Uint32(b[4:])) == c.id.Load() {
		c.l.spoil--
		binary.BigEndian.PutUint16(b[13:], uint16(c.l.answer.Code))
	}
	if !c.ended.Load() || err != nil || lost == nil {
		c.l.mu.Unlock()
		return n, err
	}
	c.l.lose = nil
	c.l.mu.Unlock()
	c.l.set(true)
	lost()
	return 0, net.ErrClosed
}

func (l *link) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return nil, errors.New("the link is cut")
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.conns = append(l.conns, c)
	return &linkConn{Conn: c, l: l}, nil
}

func (l *link) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.conns = nil
}

func wantError(t testing.TB, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("err = %v, want one that says %q", err, w)
		}
	}
}
