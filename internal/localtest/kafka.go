package localtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TransactionVersion starts the broker with another level of the feature
// transaction.version than 2, as clusters older than Kafka 4.0 have it.
func TransactionVersion(version int) Option { return func(o *options) { o.txnVersion = version } }

// KafkaProperty sets a property of server.properties.
func KafkaProperty(key, value string) Option {
	return func(o *options) {
		if o.properties == nil {
			o.properties = map[string]string{}
		}
		o.properties[key] = value
	}
}

// BenchJVM gives the broker the heap and the compiler of one that is measured.
func BenchJVM() Option {
	return func(o *options) { o.java = []string{"-Xms2g", "-Xmx2g", "-XX:+UseG1GC"} }
}

// Kafka starts a broker for a test and returns its address.
func Kafka(t testing.TB, opts ...Option) string {
	t.Helper()
	return forTest(t, StartKafka, opts)
}

// Behind starts the broker with a second listener, Server.Second, which it
// advertises under another address: that of a proxy that leads there. Who comes
// through the proxy stays behind it; who comes to Server.Addr goes around it.
func Behind(proxy string) Option { return func(o *options) { o.behind = proxy } }

// StartKafka starts a broker: a single node in KRaft mode that does not create
// topics by itself. Topics need replication 1.
func StartKafka(opts ...Option) (*Server, error) {
	nodes, err := StartKafkaCluster(1, opts...)
	if err != nil {
		return nil, err
	}
	return nodes[0], nil
}

func kafkaProperties(dir string, n node, o options) []byte {
	broker, controller := address(n.ports[0]), address(n.ports[1])
	replication, isr := strconv.Itoa(n.of), strconv.Itoa(max(1, n.of-1))
	p := map[string]string{
		"process.roles":                    "broker,controller",
		"node.id":                          strconv.Itoa(n.id),
		"controller.quorum.voters":         n.voters,
		"listeners":                        "PLAINTEXT://" + broker + ",CONTROLLER://" + controller,
		"advertised.listeners":             "PLAINTEXT://" + broker,
		"controller.listener.names":        "CONTROLLER",
		"inter.broker.listener.name":       "PLAINTEXT",
		"log.dirs":                         filepath.Join(dir, "data"),
		"auto.create.topics.enable":        "false",
		"num.partitions":                   "4",
		"group.initial.rebalance.delay.ms": "0",
		// Tests wait for an owner that died; the default of 6 s is their floor.
		"group.min.session.timeout.ms": "1000",
		// After a crash the broker is let in again when its former self has expired.
		"broker.session.timeout.ms":    "4000",
		"broker.heartbeat.interval.ms": "500",
		// Few partitions: each costs time at start.
		"offsets.topic.replication.factor":                 replication,
		"offsets.topic.num.partitions":                     "4",
		"transaction.state.log.replication.factor":         replication,
		"transaction.state.log.min.isr":                    isr,
		"transaction.state.log.num.partitions":             "4",
		"share.coordinator.state.topic.replication.factor": replication,
		"share.coordinator.state.topic.min.isr":            isr,
		"min.insync.replicas":                              isr,
	}
	if o.behind != "" {
		p["listeners"] += ",BEHIND://" + address(n.ports[2])
		p["advertised.listeners"] += ",BEHIND://" + o.behind
		p["listener.security.protocol.map"] = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,BEHIND:PLAINTEXT"
	}
	maps.Copy(p, o.properties)
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", key, p[key])
	}
	return []byte(b.String())
}

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

const kafkaLogging = `Configuration:
  Appenders:
    Console: {name: STDOUT, PatternLayout: {pattern: "[%d] %p %m (%c)%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: STDOUT}]}
`

func formatStorage(java []string, properties, clusterID string, txnVersion int) error {
	args := append(java[1:len(java):len(java)], "kafka.tools.StorageTool", "format", "--ignore-formatted",
		"--cluster-id", clusterID,
		"--config", properties,
		"--feature", "transaction.version="+strconv.Itoa(txnVersion))
	format := exec.Command(java[0], args...)
	format.SysProcAttr = &syscall.SysProcAttr{}
	dieWithParent(format.SysProcAttr)
	if out, err := format.CombinedOutput(); err != nil {
		return fmt.Errorf("format kafka's storage: %w\n%s", err, out)
	}
	return nil
}

// brokerReady tells whether the broker at addr takes part in its cluster, and
// not merely listens.
func brokerReady(ctx context.Context, addr string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RequestRetries(0))
	if err != nil {
		return err
	}
	defer cl.Close()
	meta, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	if len(meta.Brokers) == 0 {
		return errors.New("no broker has registered")
	}
	return nil
}
