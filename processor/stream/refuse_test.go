package stream

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"

	"unpark/processor/store"
	"unpark/schemas"
)

func TestRunnersRefuseOldBrokers(t *testing.T) {
	k := newFake(t, 0, kfake.MaxVersions(kversion.V3_9_0()))
	p := k.start(k.config("a", t.TempDir()))
	wantError(t, p.wait(), "transaction.version", "Kafka 4.0")
}

func TestRunnersRefuseMissingTopics(t *testing.T) {
	k := newFake(t, 0)
	k.create(schemas.ConversationEvents, 2)
	p := k.start(k.config("a", t.TempDir()))
	wantError(t, p.wait(), "t.sla-changelog", "t.escalations", "`unpark topics create`")
}

func TestRunnersRefuseUnequalPartitions(t *testing.T) {
	k := newFake(t, 0)
	for i, topic := range schemas.Topics() {
		k.create(topic, int32(i+1))
	}
	p := k.start(k.config("a", t.TempDir()))
	wantError(t, p.wait(), "conversation-events has 1 partitions", "sla-changelog has 3")
}

func TestRunnersRefuseCreateTime(t *testing.T) {
	k := newFake(t, 1)
	cfg := k.config("a", t.TempDir())
	cfg.Embedded = false
	wantError(t, k.start(cfg).wait(), "message.timestamp.type=CreateTime", "LogAppendTime")
}

func TestRunnersRefuseDataDirInUse(t *testing.T) {
	k := newFake(t, 1)
	dir := t.TempDir()
	s, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	p := k.start(k.config("a", dir))
	wantError(t, p.wait(), "data dir in use", dir)
}

func TestConfigValidate(t *testing.T) {
	_, err := New(Config{Instance: "a b", Runners: -1, CommitInterval: 1 << 40}, nil)
	wantError(t, err, "processor.instance", "processor.data_dir", "processor.runners", "processor.commit_interval")
}
