package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"unpark/schemas"
)

const (
	roleName              = "processor" // as schemas names it among writers
	transactionFeature    = "transaction.version"
	minTransactionVersion = 2
	defaultBatchBytes     = 1_000_012 // what a client of Kafka sends at most by default
	defaultRetention      = 24 * time.Hour
)

// cluster is what the runtime needs to know of the brokers' side.
type cluster struct {
	id              string
	input           string
	inputID         kadm.TopicID
	changelog       string
	changelogID     kadm.TopicID
	partitions      int32
	tombstones      time.Duration // how long the changelog keeps them at least
	batchBytes      int32         // the largest batch that every topic takes
	inputTimestamps string
}

// inspect looks at the cluster and refuses one that the runtime cannot work on.
func inspect(ctx context.Context, cl *kgo.Client, cfg Config) (*cluster, error) {
	if err := checkFeatures(ctx, cl); err != nil {
		return nil, err
	}
	c := &cluster{
		input:      schemas.ConversationEvents.Name(cfg.Prefix),
		changelog:  schemas.SLAChangelog.Name(cfg.Prefix),
		tombstones: defaultRetention,
		batchBytes: defaultBatchBytes,
	}
	names := writtenTopics(cfg.Prefix)
	adm := kadm.NewClient(cl)
	if err := c.readMetadata(ctx, adm, names); err != nil {
		return nil, err
	}
	if err := c.readConfigs(ctx, adm, names); err != nil {
		return nil, err
	}
	if !cfg.Embedded && c.inputTimestamps != "LogAppendTime" {
		return nil, fmt.Errorf("topic %s has message.timestamp.type=%s and must have LogAppendTime: the brokers' clock is the processor's time", c.input, c.inputTimestamps)
	}
	return c, nil
}

func writtenTopics(prefix string) []string {
	var names []string
	for _, t := range schemas.Topics() {
		if slices.Contains(t.Writers, roleName) {
			names = append(names, t.Name(prefix))
		}
	}
	return names
}

func checkFeatures(ctx context.Context, cl *kgo.Client) error {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "unpark", "1"
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("ask the brokers for their features: %w", err)
	}
	var have int16
	for _, f := range resp.FinalizedFeatures {
		if f.Name == transactionFeature {
			have = f.MaxVersionLevel
		}
	}
	if have < minTransactionVersion {
		return fmt.Errorf("the brokers have %s=%d and unpark needs %d, since only that keeps a late request out of the next transaction: run Kafka 4.0 or newer with the feature upgraded",
			transactionFeature, have, minTransactionVersion)
	}
	return nil
}

func (c *cluster) readMetadata(ctx context.Context, adm *kadm.Client, names []string) error {
	m, err := adm.Metadata(ctx, names...)
	if err != nil {
		return fmt.Errorf("read the topics' metadata: %w", err)
	}
	var missing []string
	for _, name := range names {
		t, ok := m.Topics[name]
		switch {
		case !ok || errors.Is(t.Err, kerr.UnknownTopicOrPartition):
			missing = append(missing, name)
		case t.Err != nil:
			return fmt.Errorf("read the metadata of topic %s: %w", name, t.Err)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("topics are missing: %s; run `unpark topics create`", strings.Join(missing, ", "))
	}
	in, log := m.Topics[c.input], m.Topics[c.changelog]
	if len(in.Partitions) != len(log.Partitions) {
		return fmt.Errorf("topic %s has %d partitions and %s has %d: they must have the same number", c.input, len(in.Partitions), c.changelog, len(log.Partitions))
	}
	c.id, c.inputID, c.changelogID, c.partitions = m.Cluster, in.ID, log.ID, int32(len(in.Partitions))
	return nil
}

func (c *cluster) readConfigs(ctx context.Context, adm *kadm.Client, names []string) error {
	configs, err := adm.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return fmt.Errorf("read the topics' configuration: %w", err)
	}
	for _, rc := range configs {
		if rc.Err != nil {
			return fmt.Errorf("read the configuration of topic %s: %w", rc.Name, rc.Err)
		}
		for _, kv := range rc.Configs {
			c.readConfig(rc.Name, kv.Key, kv.MaybeValue())
		}
	}
	return nil
}

func (c *cluster) readConfig(topic, key, value string) {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case key == "message.timestamp.type" && topic == c.input:
		c.inputTimestamps = value
	case key == "max.message.bytes" && err == nil:
		c.batchBytes = int32(min(int64(c.batchBytes), n))
	case key == "delete.retention.ms" && topic == c.changelog && err == nil:
		c.tombstones = time.Duration(min(n, int64(time.Hour/time.Millisecond)*24*365)) * time.Millisecond
	}
}

// maxRecordBytes leaves room for what a batch and a record carry besides.
func (c *cluster) maxRecordBytes() int { return int(c.batchBytes) - 2_048 }
