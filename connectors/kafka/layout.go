package kafka

import (
	"maps"

	"unpark/schemas"
)

// Layout is how unpark's topics lie in a cluster: `topics` in unpark.yaml.
type Layout struct {
	Prefix      string `yaml:"prefix"`
	Partitions  int32  `yaml:"partitions"`
	Replication int16  `yaml:"replication"`

	// Embedded says that the broker is the embedded one (StartEmbedded), which
	// needs other topic settings.
	Embedded bool `yaml:"-"`
	// Simulated says that time on the topics is a simulated one: they keep their
	// producers' times, whatever those are, and everything for ever.
	Simulated bool `yaml:"-"`
}

// DefaultLayout is used where unpark.yaml does not say otherwise.
func DefaultLayout() Layout {
	return Layout{Prefix: "unpark.", Partitions: 12, Replication: 3}
}

// Validate returns what is wrong with the layout, as a Problems.
func (l Layout) Validate() error {
	var ps Problems
	if !validPrefix(l.Prefix) {
		ps.add("prefix", "%q: Kafka allows letters, digits, dot, underscore and hyphen, at most %d of them here", l.Prefix, maxPrefix)
	}
	if l.Partitions < 1 {
		ps.add("partitions", "%d: write at least 1", l.Partitions)
	}
	if l.Replication < 1 {
		ps.add("replication", "%d: write at least 1", l.Replication)
	}
	return ps.err()
}

// maxPrefix leaves room for the longest suffix in Kafka's 249 characters.
const maxPrefix = 200

func validPrefix(s string) bool {
	for _, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return len(s) <= maxPrefix
}

func (l Layout) partitions(t schemas.Topic) int32 {
	if t.Partitioned {
		return l.Partitions
	}
	return 1
}

func (l Layout) replication() int16 {
	if l.Embedded {
		return 1
	}
	return l.Replication
}

// config returns the topic's settings. The embedded broker keeps the producer's
// time, which is its clock; and it applies retention to compacted topics too,
// by default a week's, which would eat the state.
func (l Layout) config(t schemas.Topic) map[string]string {
	c := maps.Clone(t.Config)
	switch {
	case l.Embedded:
		delete(c, timestampType)
	case l.Simulated:
		c[timestampType], c[timestampAfter], c[retention] = "CreateTime", forever, "-1"
	}
	if l.Embedded && c[cleanupPolicy] == "compact" {
		c[retention] = "-1"
	}
	return c
}

// Names of topic settings in Kafka.
const (
	cleanupPolicy  = "cleanup.policy"
	timestampType  = "message.timestamp.type"
	timestampAfter = "message.timestamp.after.max.ms"
	retention      = "retention.ms"
	segment        = "segment.bytes"
)

// forever is the longest that Kafka's settings in milliseconds allow.
const forever = "9223372036854775807"
