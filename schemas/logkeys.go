package schemas

// Keys of structured logs. One word means one thing everywhere.
const (
	LogComponent    = "component"
	LogError        = "error"
	LogReason       = "reason"
	LogTopic        = "topic"
	LogPartition    = "partition"
	LogOffset       = "offset"
	LogRunner       = "runner"
	LogInstance     = "instance"
	LogOrg          = "org"
	LogConversation = "conversation"
	LogVersion      = "version"
	LogSource       = "source"
	LogDestination  = "destination"
	LogEscalation   = "escalation"
	LogCount        = "count"
	LogDuration     = "duration"
	LogAddress      = "address"
	LogFile         = "file"
	LogLine         = "line"
	LogAttempt      = "attempt"
	LogRetryAfter   = "retry_after"
	LogEpisodeStart = "episode_start"
	LogNow          = "now"
	LogSignal       = "signal"
)
