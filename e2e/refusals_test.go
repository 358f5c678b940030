package e2e

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/localtest"
)

// refuseWithin is how long unpark may look before it says that it cannot run.
const refuseWithin = 15 * time.Second

// refused runs unpark, which must say why it does not run, in one sentence that
// begins as all of its failures do and holds the words.
func refused(t *testing.T, d *deployment, code int, args []string, words ...string) {
	t.Helper()
	r := command(t, d.env, args...)
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	if r.took > refuseWithin {
		t.Errorf("took %v, want at most %v", r.took, refuseWithin)
	}
	_, said, ok := strings.Cut("\n"+r.stderr, "\nunpark: ")
	for _, word := range words {
		if ok = ok && strings.Contains(said, word); !ok {
			t.Errorf("said %q on standard error, want a sentence with %q", r.stderr, words)
			break
		}
	}
	if strings.Contains(r.stderr, "goroutine ") {
		t.Errorf("panicked:\n%s", r.stderr)
	}
	t.Logf("after %v: %s", r.took.Round(time.Millisecond), strings.TrimSpace(said))
}

func runArgs(dir string, more ...string) []string {
	return append([]string{"run", "--config", dir}, more...)
}

func TestRefusesWrongBroker(t *testing.T) {
	parallel(t)
	d := undeployed(t, closedPort(t), "")
	for _, args := range [][]string{runArgs(d.folder("p")), {"topics", "create", "--config", d.folder("p")}, {"dlq", "list", "--config", d.folder("p")}} {
		refused(t, d, 1, args, "no broker can be reached", d.broker, "connection refused")
	}
}

func TestRefusesMissingTopics(t *testing.T) {
	parallel(t)
	d := undeployed(t, localtest.SharedKafka(t), "")
	refused(t, d, 1, runArgs(d.folder("p")), d.topic("conversation-events"), "unpark topics create")
	refused(t, d, 1, []string{"config", "apply", "--config", d.folder("p")}, d.topic("org-config"), "unpark topics create")
	refused(t, d, 1, []string{"dlq", "list", "--config", d.folder("p")}, d.topic("dead-letters"), "unpark topics create")
}

func TestRefusesTopicWithProducersTime(t *testing.T) {
	parallel(t)
	d := deploy(t, localtest.SharedKafka(t), "")
	setTopic(d, "conversation-events", "message.timestamp.type", "CreateTime")
	refused(t, d, 1, runArgs(d.folder("p")), d.topic("conversation-events"), "message.timestamp.type", "LogAppendTime")
	refused(t, d, 1, []string{"topics", "check", "--config", d.folder("p")}, "cannot work with")
}

// TestRefusesOldKafka starts a cluster that has not turned on what Kafka 4.0
// brought.
func TestRefusesOldKafka(t *testing.T) {
	parallel(t)
	d := undeployed(t, localtest.Kafka(t, localtest.TransactionVersion(1)), "")
	refused(t, d, 1, runArgs(d.folder("p")), "transaction.version=1", "unpark needs 2")
}

func TestRefusesDataDirInUse(t *testing.T) {
	parallel(t)
	d := deploy(t, localtest.SharedKafka(t), "")
	first := d.folder("first")
	p := d.runFolder("first", first, "processor").ready()
	second := d.folder("second")
	d.edit(second, filepath.Join(second, "data"), filepath.Join(first, "data"))
	refused(t, d, 1, runArgs(second, "--roles", "processor"), filepath.Join(first, "data"), "in use")
	p.stop()
}

func TestRefusesPortTaken(t *testing.T) {
	parallel(t)
	d := undeployed(t, closedPort(t), "")
	address := strings.TrimPrefix(d.told.URL, "http://") // somebody listens there
	dir := d.edit(d.folder("p"), "127.0.0.1:0", address)
	refused(t, d, 1, runArgs(dir), "http.listen", address, "address already in use")
}

func TestRefusesBadConfiguration(t *testing.T) {
	parallel(t)
	d := undeployed(t, closedPort(t), "")
	process := d.edit(d.folder("p"), "partitions: 4", "partitions: four")
	refused(t, d, 1, runArgs(process), filepath.Join(process, "unpark.yaml")+":2:", "partitions")
	org := d.folder("p")
	d.write(filepath.Join(org, "orgs", "org-1.yaml"), strings.Replace(fmt.Sprintf(orgFile, orgs[0], d.told.URL), "kind: warning", "kind: warming", 1))
	refused(t, d, 1, runArgs(org), filepath.Join(org, "orgs", "org-1.yaml")+":13:", "warming")
	refused(t, d, 1, runArgs(filepath.Join(org, "nowhere")), "no such folder")
}

func TestRefusesWrongUsage(t *testing.T) {
	parallel(t)
	d := undeployed(t, closedPort(t), "")
	dir := d.folder("p")
	for word, args := range map[string][]string{
		"--config is missing":  {"run"},
		"--speed":              runArgs(dir, "--speed", "11"),
		`"brigde" is no role`:  runArgs(dir, "--roles", "brigde"),
		`"loud" is no level`:   runArgs(dir, "--log-level", "loud"),
		`unknown command "rn"`: {"rn"},
		"PARTITION/OFFSET":     {"dlq", "list", "--config", dir, "--at", "seven"},
	} {
		refused(t, d, 2, args, word, "--help")
	}
}

// closedPort is an address that nobody listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func setTopic(d *deployment, suffix, key, value string) {
	d.t.Helper()
	cl, err := kgo.NewClient(d.seeds())
	if err != nil {
		d.t.Fatal(err)
	}
	defer cl.Close()
	answers, err := kadm.NewClient(cl).AlterTopicConfigs(context.Background(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, d.topic(suffix))
	if err == nil {
		_, err = answers.On(d.topic(suffix), func(r *kadm.AlterConfigsResponse) error { return r.Err })
	}
	if err != nil {
		d.t.Fatal(err)
	}
}
