package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// orgs that have a file. The second has the same promises under another id, so
// that an id of one is never taken for the other's.
var orgs = []string{"32aa07aa-0000-4000-8000-9483601ec29d", "7c11e0d2-0000-4000-8000-0b5c1d4e8f70"}

const policyName = "everyone"

// orgFile is short of grace and settle, since the tests wait for both.
const orgFile = `id: %s
timezone: UTC
checks: off
attributes: [vip]
timing: {grace: 1s, settle: 2s}
policies:
  - name: ` + policyName + `
    match: {media: [email, message]}
    objectives:
      - objective: reply
        hours: always
        tiers:
          - {at: 3h30m, kind: warning, notify: [managers]}
          - {at: 4h, kind: breach, notify: [managers]}
routes:
  managers:
    to: [{slack: {webhook: "env:UNPARK_E2E_SLACK"}, every: 0s}, {webhook: {url: "%s"}}]
    group: {above: 0}
`

// deployment is unpark as one test runs it: topics of its own, and a folder of
// configuration for each process.
type deployment struct {
	t        *testing.T
	broker   string // or several, with commas between them
	replicas int
	prefix   string
	sources  string // of the bridge, in YAML
	told     *endpoint
	env      map[string]string
}

// deploy makes the topics and puts the orgs' files in force.
func deploy(t *testing.T, broker, sources string) *deployment {
	t.Helper()
	d := undeployed(t, broker, sources)
	d.unpark("topics", "create", "--config", d.folder("admin"))
	d.unpark("config", "apply", "--config", d.folder("admin"))
	return d
}

// undeployed is a deployment of which the cluster knows nothing yet.
func undeployed(t *testing.T, broker, sources string) *deployment {
	t.Helper()
	told := listen(t)
	name := strings.NewReplacer("/", "-", "_", "-").Replace(strings.ToLower(t.Name()))
	return &deployment{
		t: t, broker: broker, replicas: strings.Count(broker, ",") + 1, sources: sources, told: told,
		prefix: name + ".",
		env:    map[string]string{"UNPARK_E2E_SLACK": told.URL + "/slack"},
	}
}

// seeds are the brokers to begin with.
func (d *deployment) seeds() kgo.Opt { return kgo.SeedBrokers(strings.Split(d.broker, ",")...) }

func (d *deployment) topic(suffix string) string { return d.prefix + suffix }

// folder writes the configuration of the process called name, whose state lies
// beside it: the same folder again is the same process started again.
func (d *deployment) folder(name string) string {
	d.t.Helper()
	dir := filepath.Join(d.t.TempDir(), name)
	d.write(filepath.Join(dir, "unpark.yaml"), fmt.Sprintf(`kafka: {brokers: ["%s"]}
topics: {prefix: "%s", partitions: 4, replication: %d}
processor: {instance: %s, data_dir: "%s"}
bridge: {sources: [%s]}
http: {listen: "127.0.0.1:0"}
secrets_dir: "%s"
`, strings.ReplaceAll(d.broker, ",", `", "`), d.prefix, d.replicas, name, filepath.Join(dir, "data"), d.sources, dir))
	for i, org := range orgs {
		d.write(filepath.Join(dir, "orgs", fmt.Sprintf("org-%d.yaml", i+1)), fmt.Sprintf(orgFile, org, d.told.URL+"/hook"))
	}
	return dir
}

func (d *deployment) write(file, text string) {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d *deployment) remove(file string) {
	d.t.Helper()
	if err := os.Remove(file); err != nil {
		d.t.Fatal(err)
	}
}

// edit replaces a part of a folder's unpark.yaml.
func (d *deployment) edit(dir, old, with string) string {
	d.t.Helper()
	file := filepath.Join(dir, "unpark.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		d.t.Fatalf("unpark.yaml has no %q", old)
	}
	d.write(file, strings.Replace(string(data), old, with, 1))
	return dir
}

// unpark runs a command that must succeed and returns what it printed.
func (d *deployment) unpark(args ...string) string {
	d.t.Helper()
	r := command(d.t, d.env, args...)
	if r.code != 0 {
		d.t.Fatalf("unpark %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// run starts a process with some roles, or all of them if none is named.
func (d *deployment) run(name string, roles ...string) *process {
	d.t.Helper()
	return d.runFolder(name, d.folder(name), roles...)
}

func (d *deployment) runFolder(name, dir string, roles ...string) *process {
	d.t.Helper()
	args := []string{"run", "--config", dir}
	if len(roles) > 0 {
		args = append(args, "--roles", strings.Join(roles, ","))
	}
	return start(d.t, name, d.env, args...)
}
