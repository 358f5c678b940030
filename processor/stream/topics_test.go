package stream

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

func TestRunnersPartitionCountChanged(t *testing.T) {
	k := newKafka(t, 2)
	dir := t.TempDir()
	k.worked(dir, 2, 10)
	for _, topic := range []schemas.Topic{schemas.ConversationEvents, schemas.SLAChangelog} {
		name := topic.Name(k.prefix)
		if _, err := k.admin.UpdatePartitions(k.ctx(), 4, name); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "four partitions", func() error {
			m, err := k.admin.Metadata(k.ctx(), name)
			if n := len(m.Topics[name].Partitions); n != 4 {
				return fmt.Errorf("%d partitions: %w", n, err)
			}
			return nil
		})
	}
	p := k.start(k.config("a", dir))
	wantError(t, p.wait(), "had 2 partitions", "has 4 now", "replay")
}

// Growing the input while it is worked ends the processor: the keys have moved.
func TestRunnersInputGrows(t *testing.T) {
	k := newFake(t, 2)
	cfg := k.config("a", t.TempDir())
	cfg.Kafka = append(cfg.Kafka, kgo.MetadataMaxAge(100*time.Millisecond))
	p := k.start(cfg)
	p.waitReady()
	if _, err := k.admin.UpdatePartitions(k.ctx(), 3, schemas.ConversationEvents.Name(k.prefix)); err != nil {
		t.Fatal(err)
	}
	wantError(t, p.wait(), "has grown beyond 2 partitions", "replay")
}

// The input was made anew beside the state of the old one: that is said, also once it
// has outgrown where the state stands, for its first records would be passed over.
func TestRunnersInputMadeAnew(t *testing.T) {
	for _, n := range []int{0, 60} {
		t.Run(fmt.Sprintf("%d records", n), func(t *testing.T) {
			k := newKafka(t, 1)
			dir := t.TempDir()
			want := k.worked(dir, 1, 20)
			if _, err := k.admin.DeleteTopic(k.ctx(), schemas.ConversationEvents.Name(k.prefix)); err != nil {
				t.Fatal(err)
			}
			k.create(schemas.ConversationEvents, 1)
			k.connect(0)
			if n > 0 {
				k.echo(1, 20, n)
			}
			for _, dir := range []string{dir, t.TempDir()} {
				p := k.start(k.config("a", dir))
				p.suspended("made anew")
				p.stop()
			}
			k.checkEscalations(want)
		})
	}
}

func TestRunnersLostState(t *testing.T) {
	k := newKafka(t, 1)
	kept := t.TempDir()
	k.worked(kept, 1, 10)
	if _, err := k.admin.DeleteTopic(k.ctx(), schemas.SLAChangelog.Name(k.prefix)); err != nil {
		t.Fatal(err)
	}
	k.create(schemas.SLAChangelog, 1)
	for _, dir := range []string{t.TempDir(), kept} {
		p := k.start(k.config("a", dir))
		p.suspended("state was lost")
		p.stop()
	}
}

func TestRunnersGroupOffsetsLost(t *testing.T) {
	k := newKafka(t, 1)
	want := k.worked(t.TempDir(), 1, 10)
	k.leave("a")
	if _, err := k.admin.DeleteGroup(k.ctx(), k.group()); err != nil {
		t.Fatal(err)
	}
	p := k.start(k.config("a", t.TempDir())) // the meta record knows
	want = append(want, k.echo(1, 10, 10)...)
	k.waitEscalations(want)
	p.stop()
	k.checkEscalations(want)
}
