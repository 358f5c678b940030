// Package eventbridge brings the events of Genesys orgs from where EventBridge
// put them (an SQS queue, or an archived file) to Kafka, in the form the
// processor reads: decoded, without anything personal.
//
// A message is deleted from its queue only after Kafka has acknowledged the
// record that was made of it, so a message is delivered at least once.
//
// Reads: SQS queues or files of EventBridge envelopes.
// Writes: conversation-events, dead-letters.
package eventbridge
