package stream

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

const (
	sessionTimeout     = 10 * time.Second
	heartbeatInterval  = 3 * time.Second
	transactionTimeout = 10 * time.Second
	// A partition that is resumed waits for the fetch under way.
	fetchMaxWait = 100 * time.Millisecond
)

// No client has a RecordDeliveryTimeout: it is measured from a record's own
// timestamp, which comes from a clock that need not be the wall's.

// clientMetrics tells of one client among those of the process, until it is closed.
func clientMetrics(cfg Config, client string) kgo.Opt {
	reg := prometheus.WrapRegistererWith(prometheus.Labels{"client": client}, cfg.Registerer)
	return kgo.WithHooks(kprom.NewMetrics("unpark_kafka", kprom.Registerer(reg)))
}

// plainOptions are those of the client that appends ticks, reads the changelog
// and asks for offsets.
func plainOptions(cfg Config) []kgo.Opt {
	return append(append([]kgo.Opt(nil), cfg.Kafka...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0),
		clientMetrics(cfg, "processor"),
	)
}

// sessionOptions are those of a runner's transactional consumer.
func (r *runner) sessionOptions() []kgo.Opt {
	return append(append(crashHooks(), r.cfg.Kafka...),
		clientMetrics(r.cfg, r.name),
		kgo.ConsumerGroup(r.cfg.Group),
		kgo.ConsumeTopics(r.cluster.input),
		kgo.Balancers(balancer{kgo.CooperativeStickyBalancer(), r}),
		kgo.BlockRebalanceOnPoll(),
		kgo.InstanceID(r.name),
		kgo.TransactionalID(r.name),
		kgo.SessionTimeout(sessionTimeout),
		kgo.HeartbeatInterval(heartbeatInterval),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMinBytes(1),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.AdjustFetchOffsetsFn(r.assigned),
		kgo.OnPartitionsRevoked(r.revoked),
		kgo.OnPartitionsLost(r.lost),
		kgo.ProducerBatchMaxBytes(r.cluster.batchBytes),
		kgo.RecordPartitioner(partitioner{changelog: r.cluster.changelog, input: r.cluster.input}),
	)
}

// balancer tells its runner what the group has given to it: no callback says all of it.
type balancer struct {
	kgo.GroupBalancer
	runner *runner
}

// ParseSyncAssignment implements kgo.GroupBalancer.
func (b balancer) ParseSyncAssignment(assignment []byte) (map[string][]int32, error) {
	given, err := b.GroupBalancer.ParseSyncAssignment(assignment)
	if err == nil {
		b.runner.given(given[b.runner.cluster.input])
	}
	return given, err
}

// partitioner keeps changes of state, and what a partition tells itself, on their
// partition and spreads everything else by key, as Kafka's own producers do.
type partitioner struct{ changelog, input string }

func (p partitioner) ForTopic(topic string) kgo.TopicPartitioner {
	if topic == p.changelog || topic == p.input {
		return kgo.ManualPartitioner().ForTopic(topic)
	}
	return kgo.StickyKeyPartitioner(nil).ForTopic(topic)
}
