package config

import (
	"cmp"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"unpark/connectors/eventbridge"
	"unpark/connectors/kafka"
	"unpark/connectors/notify"
	"unpark/schemas"
)

// Process is unpark.yaml: how a process runs.
type Process struct {
	Kafka     kafka.Config       `yaml:"kafka"`
	Topics    kafka.Layout       `yaml:"topics"`
	Processor Processor          `yaml:"processor"`
	Bridge    eventbridge.Config `yaml:"bridge"`
	Notifier  notify.Config      `yaml:"notifier"`
	HTTP      HTTP               `yaml:"http"`
	// SecretsDir holds the files that file:NAME refers to.
	SecretsDir string     `yaml:"secrets_dir"`
	Simulation Simulation `yaml:"simulation"`
}

// Simulation has unpark live by a simulated time, on topics of its own: nothing
// to watch real customers with.
type Simulation struct {
	// Clock is the file of the time, which whoever simulates writes (package
	// clock); empty: the time is the wall clock's.
	Clock string `yaml:"clock"`
}

// Processor is how the processor runs.
type Processor struct {
	// Instance tells one process of the fleet from another and stays the same
	// over its restarts; default the host's name.
	Instance string `yaml:"instance"`
	// Runners is how many transactions are under way at the same time; each has a share
	// of the partitions.
	Runners int `yaml:"runners"`
	// DataDir holds the local state, and the embedded broker if there is one.
	DataDir        string           `yaml:"data_dir"`
	CommitInterval schemas.Duration `yaml:"commit_interval"`
}

// HTTP is where metrics and health are served.
type HTTP struct {
	Listen string `yaml:"listen"`
}

// DefaultProcess is used where unpark.yaml does not say otherwise.
func DefaultProcess() Process {
	return Process{
		Topics: kafka.DefaultLayout(),
		Processor: Processor{
			Runners:        2,
			DataDir:        "data",
			CommitInterval: schemas.Duration(100 * time.Millisecond),
		},
		HTTP:       HTTP{Listen: "127.0.0.1:8089"},
		SecretsDir: "/run/secrets/unpark",
	}
}

// maxCommitInterval leaves a transaction half of its time (10 s) for the work.
const maxCommitInterval = schemas.Duration(5 * time.Second)

func (p Process) lint(r *reporter) {
	r.kafka("kafka", p.Kafka.Validate())
	r.kafka("topics", p.Topics.Validate())
	r.bridge("bridge", p.Bridge.Validate())
	if err := p.Notifier.Validate(); err != nil {
		r.err("notifier", "%s", strings.TrimPrefix(err.Error(), "notifier: "))
	}
	if p.Topics.Simulated {
		r.warn("simulation.clock", "time is simulated, and the topics keep their producers' times: nothing to watch real customers with")
	}
	const runners, interval, listen = "processor.runners", "processor.commit_interval", "http.listen"
	if n := p.Processor.Runners; n < 1 || n > 256 {
		r.err(runners, "%d: write 1 to 256", n)
	}
	if d := p.Processor.CommitInterval; d < schemas.Duration(time.Millisecond) || d > maxCommitInterval {
		r.err(interval, "%s: write 1ms to %s", d, maxCommitInterval)
	}
	if !plainName(p.Processor.Instance) {
		r.err("processor.instance", "%q: write letters, digits, dots, underscores and hyphens", p.Processor.Instance)
	}
	if p.Processor.DataDir == "" {
		r.err("processor.data_dir", "missing; write a folder")
	}
	if _, port, err := net.SplitHostPort(p.HTTP.Listen); err != nil || !kafka.IsPort(port) && port != "0" {
		r.err(listen, "%q is no address; write host:port", p.HTTP.Listen)
	}
}

// complete sets what depends on the machine.
func (p *Process) complete() {
	if p.Processor.Instance == "" {
		host, _ := os.Hostname() // without a name: unpark
		p.Processor.Instance = cmp.Or(host, "unpark")
	}
	p.Topics.Simulated = p.Simulation.Clock != ""
}

// kafka reports what package kafka says of the part of the file at path.
func (r *reporter) kafka(path string, err error) {
	var ps kafka.Problems
	if errors.As(err, &ps) {
		for _, p := range ps {
			r.err(join(path, p.Field), "%s", p.Message)
		}
	}
}

// bridge does the same for package eventbridge.
func (r *reporter) bridge(path string, err error) {
	var ps eventbridge.Problems
	if errors.As(err, &ps) {
		for _, p := range ps {
			r.err(join(path, p.Field), "%s", p.Message)
		}
	}
}

func plainName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		return !letter && c != '.' && c != '_' && c != '-'
	})
}
