package localtest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
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

// StartKafka starts a broker: a single node in KRaft mode that does not create
// topics by itself. Topics need replication 1.
func StartKafka(opts ...Option) (*Server, error) {
	jars, err := fetch("kafka")
	if err != nil {
		return nil, err
	}
	s, o, err := newServer("kafka", opts)
	if err != nil {
		return nil, err
	}
	properties, logging := filepath.Join(s.dir, "server.properties"), filepath.Join(s.dir, "log4j2.yaml")
	// Quick to start and small rather than fast: one heap that a laptop spares, no
	// second compiler, no collector threads.
	small := []string{"-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}
	common := []string{"-Dlog4j2.configurationFile=" + logging, "-cp", filepath.Join(jars, "*")}
	java := slices.Concat([]string{"java"}, small, common)
	if o.java == nil {
		o.java = small
	}
	s.args = slices.Concat([]string{"java"}, o.java, common, []string{"kafka.Kafka", properties})
	s.ready = func(ctx context.Context) error { return brokerReady(ctx, s.Addr) }
	return s.startFree(2, func(ports []int) error {
		s.Addr = "127.0.0.1:" + strconv.Itoa(ports[0])
		if err := os.WriteFile(logging, []byte(kafkaLogging), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(properties, kafkaProperties(s.dir, ports, o.properties), 0o644); err != nil {
			return err
		}
		return formatStorage(java, properties, o.txnVersion)
	})
}

func kafkaProperties(dir string, ports []int, more map[string]string) []byte {
	broker, controller := fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1])
	p := map[string]string{
		"process.roles":                    "broker,controller",
		"node.id":                          "1",
		"controller.quorum.voters":         "1@" + controller,
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
		// One node holds everything, in few partitions: each costs time at start.
		"offsets.topic.replication.factor":                 "1",
		"offsets.topic.num.partitions":                     "4",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"transaction.state.log.num.partitions":             "4",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",
	}
	maps.Copy(p, more)
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", key, p[key])
	}
	return []byte(b.String())
}

const kafkaLogging = `Configuration:
  Appenders:
    Console: {name: STDOUT, PatternLayout: {pattern: "[%d] %p %m (%c)%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: STDOUT}]}
`

func formatStorage(java []string, properties string, txnVersion int) error {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	id[0] &= 0x7f        // a leading "-" would look like an option
	args := append(java[1:len(java):len(java)], "kafka.tools.StorageTool", "format", "--ignore-formatted",
		"--cluster-id", base64.RawURLEncoding.EncodeToString(id),
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
