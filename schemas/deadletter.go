package schemas

import "strconv"

// Headers of a dead letter: why it is one and where it came from.
const (
	HeaderReason          = "unpark.reason"           // bounded set, also a metric label
	HeaderError           = "unpark.error"            // one sentence, nothing personal
	HeaderOrigin          = "unpark.origin"           // part that gave up: bridge, processor, notifier
	HeaderOriginTopic     = "unpark.origin.topic"     // topic, queue or file it was read from
	HeaderOriginPartition = "unpark.origin.partition" // absent outside Kafka
	HeaderOriginOffset    = "unpark.origin.offset"    // absent outside Kafka
	HeaderRedriveTopic    = "unpark.redrive.topic"    // suffix of the topic dlq redrive sends it to; absent: cannot be redriven
	HeaderDestination     = "unpark.destination"      // destination that did not take it (notifier)
)

// DeadLetter describes a record that was given up.
type DeadLetter struct {
	Key, Value []byte
	Reason     string
	Error      string
	Origin     string
	Topic      string // origin
	Partition  int32  // origin; below 0: none
	Offset     int64  // origin; below 0: none
	Redrive    string // topic suffix; empty: cannot be redriven
	Extra      []Header
}

// Headers returns the record's headers.
func (d DeadLetter) Headers() []Header {
	hs := []Header{
		{HeaderReason, []byte(d.Reason)},
		{HeaderError, []byte(d.Error)},
		{HeaderOrigin, []byte(d.Origin)},
		{HeaderOriginTopic, []byte(d.Topic)},
	}
	if d.Partition >= 0 {
		hs = append(hs, Header{HeaderOriginPartition, []byte(strconv.Itoa(int(d.Partition)))})
	}
	if d.Offset >= 0 {
		hs = append(hs, Header{HeaderOriginOffset, []byte(strconv.FormatInt(d.Offset, 10))})
	}
	if d.Redrive != "" {
		hs = append(hs, Header{HeaderRedriveTopic, []byte(d.Redrive)})
	}
	return append(hs, d.Extra...)
}
