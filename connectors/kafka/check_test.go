package kafka

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"unpark/schemas"
)

func fake(t *testing.T, opts ...kfake.Opt) []kgo.Opt {
	t.Helper()
	c, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}
}

// tlsServer returns the certificate that net/http/httptest has for 127.0.0.1.
func tlsServer(t *testing.T) *tls.Config {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: s.TLS.Certificates}
}

func TestCheckBrokers(t *testing.T) {
	refused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := refused.Addr().String()
	refused.Close()
	for _, tt := range []struct {
		name string
		opts []kgo.Opt
		err  string
	}{
		{"good", fake(t), ""},
		{"old", fake(t, kfake.MaxVersions(kversion.V3_9_0())), "older than Kafka 4.0: they offer transaction.version=0 and unpark needs 2"},
		{"oldest", fake(t, kfake.MaxVersions(kversion.V2_0_0())), "older than Kafka 4.0"},
		{"nobody there", []kgo.Opt{kgo.SeedBrokers(address)}, "no broker can be reached (" + address + ": connect: connection refused)"},
		{"no such name", []kgo.Opt{kgo.SeedBrokers("kafka.invalid:9092")}, "kafka.invalid:9092: "},
		{"password needed", fake(t, kfake.EnableSASL()), "kafka: "},
		{"TLS needed", fake(t, kfake.TLS(tlsServer(t))), "kafka: "},
		{"another authority", append(fake(t, kfake.TLS(tlsServer(t))), kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12})), "certificate signed by unknown authority"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			began := time.Now()
			err := CheckBrokers(testContext(t), tt.opts)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%v, want %q", err, tt.err)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a sentence: %v", err)
			}
			if d := time.Since(began); d > checkTimeout+time.Second {
				t.Errorf("took %v", d)
			}
			t.Log(err)
		})
	}
}

func TestCheckCluster(t *testing.T) {
	l := DefaultLayout()
	l.Partitions, l.Replication = 2, 1
	opts := fake(t)
	if err := CheckCluster(testContext(t), opts, l); err == nil || strings.Count(err.Error(), "unpark topics create") != len(schemas.Topics()) {
		t.Errorf("without topics: %v", err)
	}
	if _, err := CreateTopics(testContext(t), kadm.NewClient(client(t, opts...)), l); err != nil {
		t.Fatal(err)
	}
	l.Replication = 2 // a warning only
	if err := CheckCluster(testContext(t), opts, l); err != nil {
		t.Errorf("with topics: %v", err)
	}
	if err := CheckCluster(testContext(t), fake(t, kfake.MaxVersions(kversion.V3_9_0())), l); err == nil || !strings.Contains(err.Error(), "older than") {
		t.Errorf("old brokers: %v", err)
	}
}

// Topics on which time is simulated are none for real customers, and the other
// way round.
func TestCheckClusterSimulated(t *testing.T) {
	wall := DefaultLayout()
	wall.Partitions, wall.Replication = 1, 1
	simulated := wall
	simulated.Simulated = true
	for _, tt := range []struct {
		created, checked Layout
		err              string
	}{
		{simulated, simulated, ""},
		{simulated, wall, "message.timestamp.type: is CreateTime, should be LogAppendTime"},
		{wall, simulated, "message.timestamp.type: is LogAppendTime, should be CreateTime"},
	} {
		opts := fake(t)
		if _, err := CreateTopics(testContext(t), kadm.NewClient(client(t, opts...)), tt.created); err != nil {
			t.Fatal(err)
		}
		err := CheckCluster(testContext(t), opts, tt.checked)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("created %v, checked %v: %v, want %q", tt.created, tt.checked, err, tt.err)
		}
	}
}

// A cluster that was upgraded but still speaks the old way.
func TestCheckBrokersNotFinalized(t *testing.T) {
	opts := fake(t)
	cl := client(t, opts...)
	req := kmsgDowngrade()
	if _, err := req.RequestWith(testContext(t), cl); err != nil {
		t.Fatal(err)
	}
	if err := CheckBrokers(testContext(t), opts); err == nil || !strings.Contains(err.Error(), "kafka-features.sh upgrade --feature transaction.version=2") {
		t.Error(err)
	}
}

func TestTopics(t *testing.T) {
	l := DefaultLayout()
	l.Partitions, l.Replication = 3, 1
	cl := client(t, fake(t)...)
	adm := kadm.NewClient(cl)
	created, err := CreateTopics(testContext(t), adm, l)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(names(l), created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	if ds, err := CheckTopics(testContext(t), adm, l); err != nil || len(ds) > 0 {
		t.Errorf("after the creation: %v, %v", ds, err)
	}
	if _, err := adm.DeleteTopic(testContext(t), schemas.Deliveries.Name(l.Prefix)); err != nil {
		t.Fatal(err)
	}
	created, err = CreateTopics(testContext(t), adm, l)
	if diff := cmp.Diff([]string{"unpark.deliveries"}, created); err != nil || diff != "" {
		t.Errorf("created again: %v (-want +got):\n%s", err, diff)
	}
	if created, err = CreateTopics(testContext(t), adm, l); err != nil || created != nil {
		t.Errorf("created when all are there: %v, %v", created, err)
	}
}

func TestCheckTopics(t *testing.T) {
	l := DefaultLayout()
	l.Partitions, l.Replication = 3, 1
	adm := kadm.NewClient(client(t, fake(t)...))
	wrong := map[string]*string{}
	for k, v := range map[string]string{cleanupPolicy: "compact", retention: "86400000"} {
		wrong[k] = &v
	}
	if _, err := adm.CreateTopic(testContext(t), 6, 1, wrong, schemas.ConversationEvents.Name(l.Prefix)); err != nil {
		t.Fatal(err)
	}
	if _, err := adm.CreateTopic(testContext(t), 2, 1, map[string]*string{cleanupPolicy: wrong[cleanupPolicy]}, schemas.OrgConfig.Name(l.Prefix)); err != nil {
		t.Fatal(err)
	}
	if _, err := adm.CreateTopic(testContext(t), 3, 1, map[string]*string{cleanupPolicy: wrong[cleanupPolicy], segment: new("1073741824")}, schemas.Deliveries.Name(l.Prefix)); err != nil {
		t.Fatal(err)
	}
	l.Replication = 3
	ds, err := CheckTopics(testContext(t), adm, l)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range ds {
		got = append(got, d.String())
	}
	const alter = "run: kafka-configs.sh --alter --entity-type topics --entity-name unpark.conversation-events --add-config "
	const missing = ": missing; run: unpark topics create"
	const replication = ": warning: replication: has 1, configured are 3; move it with kafka-reassign-partitions.sh, or write what it has in topics: {replication: ...}"
	want := []string{
		"unpark.conversation-events: partitions: has 6, must have 3; write topics: {partitions: 6} if all of unpark's topics have as many, else choose a new prefix, create the topics and replay",
		"unpark.conversation-events" + replication,
		"unpark.conversation-events: cleanup.policy: is compact, should be delete; " + alter + "cleanup.policy=delete",
		"unpark.conversation-events: message.timestamp.type: is CreateTime, should be LogAppendTime; " + alter + "message.timestamp.type=LogAppendTime",
		"unpark.conversation-events: warning: retention.ms: is 1 day, should be 30 days; " + alter + "retention.ms=2592000000",
		"unpark.org-config: partitions: has 2, must have 1; delete it and run: unpark topics create",
		"unpark.org-config" + replication,
		"unpark.sla-changelog" + missing, "unpark.genesys-requests" + missing, "unpark.escalations" + missing,
		"unpark.deliveries" + replication,
		"unpark.deliveries: warning: segment.bytes: is 1073741824, should be 67108864; run: kafka-configs.sh --alter --entity-type topics --entity-name unpark.deliveries --add-config segment.bytes=67108864",
		"unpark.dead-letters" + missing,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCreateTopicsRefused(t *testing.T) {
	adm := kadm.NewClient(client(t, fake(t)...))
	if _, err := CreateTopics(testContext(t), adm, DefaultLayout()); err == nil || !strings.Contains(err.Error(), "create topic unpark.conversation-events: INVALID_REPLICATION_FACTOR") {
		t.Errorf("three replicas on one broker: %v", err)
	}
	if _, err := CreateTopics(testContext(t), adm, Layout{}); err == nil || !strings.Contains(err.Error(), "write at least 1") {
		t.Errorf("no layout: %v", err)
	}
}

func kmsgDowngrade() *kmsg.UpdateFeaturesRequest {
	req := kmsg.NewPtrUpdateFeaturesRequest()
	f := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
	f.Feature, f.MaxVersionLevel, f.UpgradeType, f.AllowDowngrade = txnFeature, 1, 2, true
	req.FeatureUpdates = append(req.FeatureUpdates, f)
	return req
}
