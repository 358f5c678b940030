package processor

import (
	"fmt"
	"strings"

	"unpark/schemas"
)

// Topology is the processor as one printable value, in Kafka Streams' words:
// which topics feed which handler, where its state lives, where its outputs go.
type Topology struct {
	Source    schemas.Topic
	Lookup    schemas.Topic
	Handler   string
	Store     string
	Changelog schemas.Topic
	Sinks     []schemas.Topic
}

// NewTopology returns the processor's topology.
func NewTopology() Topology {
	return Topology{
		Source: schemas.ConversationEvents, Lookup: schemas.OrgConfig,
		Handler: "processor.Handler (sla.Step)", Store: "conversations, orgs, sources, deadline index",
		Changelog: schemas.SLAChangelog,
		Sinks:     []schemas.Topic{schemas.Escalations, schemas.GenesysRequests, schemas.DeadLetters},
	}
}

// Describe draws the topology with the topics' names under prefix.
func (t Topology) Describe(prefix string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("Sub-topology: 0, one task a partition of %s", t.Source.Name(prefix))
	line("  Source:    %s  (by %s)", t.Source.Name(prefix), t.Source.Key)
	line("    --> Handler: %s", t.Handler)
	line("  Look-up:   %s", t.Lookup.Name(prefix))
	line("  Store:     %s", t.Store)
	line("    --> Changelog: %s", t.Changelog.Name(prefix))
	for _, sink := range t.Sinks {
		line("  Sink:      %s  (by %s)", sink.Name(prefix), sink.Key)
	}
	return b.String()
}
