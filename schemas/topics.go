package schemas

import "strconv"

// Topic is one topic of unpark, as `unpark topics create` makes it. Its name in
// a cluster is the configured prefix and Suffix.
type Topic struct {
	// Suffix is the name without the prefix.
	Suffix string
	// Key and Value say what the records hold.
	Key, Value string
	// Partitioned topics have the configured number of partitions, equal for all
	// of them; the others have one.
	Partitioned bool
	// Config holds the topic settings that matter to unpark, by Kafka's names.
	Config map[string]string
	// Writers and Readers are the parts that produce and consume it.
	Writers, Readers []string
}

// Name returns the topic's name under prefix.
func (t Topic) Name(prefix string) string { return prefix + t.Suffix }

func days(n int64) string { return strconv.FormatInt(n*24*60*60*1000, 10) }

// The topics, see ARCHITECTURE.md.
var (
	ConversationEvents = Topic{
		Suffix: "conversation-events", Key: "conversationId", Value: "Protobuf InputRecord", Partitioned: true,
		Config:  map[string]string{"cleanup.policy": "delete", "retention.ms": days(30), "message.timestamp.type": "LogAppendTime"},
		Writers: []string{"bridge", "verifier", "processor", "config apply", "schedule sync", "backfill"},
		Readers: []string{"processor", "verifier", "replay"},
	}
	OrgConfig = Topic{
		Suffix: "org-config", Key: "orgId/part/version", Value: "JSON, immutable",
		Config:  map[string]string{"cleanup.policy": "compact"},
		Writers: []string{"config apply", "schedule sync"},
		Readers: []string{"bridge", "processor", "verifier", "notifier", "config diff", "config show"},
	}
	SLAChangelog = Topic{
		Suffix: "sla-changelog", Key: "conversation, org, source or meta", Value: "Protobuf ConversationState, OrgState, SourceState, PartitionMeta", Partitioned: true,
		Config:  map[string]string{"cleanup.policy": "compact"},
		Writers: []string{"processor"},
		Readers: []string{"processor", "verifier", "backfill", "explain", "board"},
	}
	GenesysRequests = Topic{
		Suffix: "genesys-requests", Key: "orgId", Value: "Protobuf", Partitioned: true,
		Config:  map[string]string{"cleanup.policy": "delete", "retention.ms": days(7)},
		Writers: []string{"processor"},
		Readers: []string{"verifier"},
	}
	Escalations = Topic{
		Suffix: "escalations", Key: "conversationId", Value: "JSON, escalation.schema.json", Partitioned: true,
		Config:  map[string]string{"cleanup.policy": "delete", "retention.ms": days(90)},
		Writers: []string{"processor"},
		Readers: []string{"notifier", "anyone, read_committed"},
	}
	Deliveries = Topic{
		Suffix: "deliveries", Key: "escalationId/destination", Value: "JSON", Partitioned: true,
		// What is not in the newest segment is compacted: a notifier that starts reads
		// all of it.
		Config:  map[string]string{"cleanup.policy": "compact", "segment.bytes": "67108864"},
		Writers: []string{"notifier"},
		Readers: []string{"notifier", "board"},
	}
	DeadLetters = Topic{
		Suffix: "dead-letters", Key: "the record's key", Value: "the record, blanked of personal fields",
		Config:  map[string]string{"cleanup.policy": "delete", "retention.ms": days(30)},
		Writers: []string{"bridge", "processor", "notifier"},
		Readers: []string{"dlq list", "dlq redrive"},
	}
)

// Topics returns all topics, in the order of the way of an event.
func Topics() []Topic {
	return []Topic{ConversationEvents, OrgConfig, SLAChangelog, GenesysRequests, Escalations, Deliveries, DeadLetters}
}
