package kafka

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"unpark/schemas"
)

var discard = slog.New(slog.DiscardHandler)

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, dir string) *Embedded {
	t.Helper()
	l := DefaultLayout()
	l.Partitions = 3
	e, err := StartEmbedded(testContext(t), dir, l, discard)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func client(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func closeAll(t *testing.T, e *Embedded, cls ...*kgo.Client) {
	t.Helper()
	for _, cl := range cls {
		cl.Close()
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

// values reads what a topic holds, up to its end.
func values(t *testing.T, topic string, opts ...kgo.Opt) []string {
	t.Helper()
	cl := client(t, append(opts, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(testContext(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	var got []string
	for int64(len(got)) < n {
		fs := cl.PollFetches(testContext(t))
		if err := fs.Err(); err != nil {
			t.Fatal(err)
		}
		fs.EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	return got
}

func TestEmbeddedKeepsItsLog(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	topic := schemas.Escalations.Name("unpark.")

	e := start(t, dir)
	cl := client(t, e.Options()...)
	produced := time.UnixMilli(1_767_225_600_000) // the producer's clock, not the broker's
	r := &kgo.Record{Topic: topic, Value: []byte("one"), Timestamp: produced}
	if err := cl.ProduceSync(testContext(t), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
	before, err := kadm.NewClient(cl).BrokerMetadata(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	closeAll(t, e, cl)

	e = start(t, dir)
	cl = client(t, e.Options()...)
	if diff := cmp.Diff([]string{"one"}, values(t, topic, e.Options()...)); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	after, err := kadm.NewClient(cl).BrokerMetadata(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if before.Cluster == "" || before.Cluster != after.Cluster {
		t.Errorf("cluster id %q, after the restart %q", before.Cluster, after.Cluster)
	}
	closeAll(t, e, cl)
}

// A copy of the folder taken while the broker runs is what a killed process
// leaves behind.
func TestEmbeddedKilled(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir, left := t.TempDir(), t.TempDir()
	topic := schemas.Escalations.Name("unpark.")

	e := start(t, dir)
	cl := client(t, e.Options()...)
	for _, v := range []string{"one", "two"} {
		r := &kgo.Record{Topic: topic, Partition: 0, Key: []byte("k"), Value: []byte(v)}
		if err := cl.ProduceSync(testContext(t), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	closeAll(t, e, cl)
	if a, ok := EmbeddedAddress(left); ok {
		t.Errorf("address %s of a dead broker", a)
	}

	e = start(t, left)
	if diff := cmp.Diff([]string{"one", "two"}, values(t, topic, e.Options()...)); diff != "" {
		t.Errorf("after the kill (-want +got):\n%s", diff)
	}
	closeAll(t, e)
}

func TestEmbeddedAddressAndLock(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	if a, ok := EmbeddedAddress(dir); ok {
		t.Errorf("address %s before the start", a)
	}
	e := start(t, dir)
	l := DefaultLayout()
	l.Partitions, l.Embedded = 3, true
	if err := CheckCluster(testContext(t), e.Options(), l); err != nil {
		t.Error(err)
	}
	if a, ok := EmbeddedAddress(dir); !ok || a != e.Address() {
		t.Errorf("EmbeddedAddress = %q, %v, want %q", a, ok, e.Address())
	}
	_, err := StartEmbedded(testContext(t), dir, DefaultLayout(), discard)
	if err == nil || !strings.Contains(err.Error(), "in use by another unpark") {
		t.Errorf("second start: %v", err)
	}
	closeAll(t, e)
	if a, ok := EmbeddedAddress(dir); ok {
		t.Errorf("address %s after Close", a)
	}
	if _, err := os.Stat(filepath.Join(dir, addressFile)); !os.IsNotExist(err) {
		t.Errorf("address file after Close: %v", err)
	}
}

// The embedded broker applies retention to compacted topics too.
func TestEmbeddedKeepsCompactedTopics(t *testing.T) {
	l := DefaultLayout()
	l.Embedded = true
	for _, topic := range schemas.Topics() {
		c := l.config(topic)
		if topic.Config[cleanupPolicy] == "compact" && c[retention] != "-1" {
			t.Errorf("%s: retention.ms %q, want -1", topic.Suffix, c[retention])
		}
		if v, ok := c[timestampType]; ok {
			t.Errorf("%s: message.timestamp.type %s, want the producer's", topic.Suffix, v)
		}
	}
	if schemas.ConversationEvents.Config[timestampType] != "LogAppendTime" {
		t.Error("the table itself was changed")
	}
}
