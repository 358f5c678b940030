// Package e2e proves the whole way, from an envelope in a queue to a line in
// Slack, on real counterparts: Apache Kafka, ElasticMQ for SQS, moto for
// EventBridge, a consumer in another language. It has tests only.
//
// They know unpark as its users do: the binary, its files, its topics, what it
// answers. Nothing of unpark's own code says what is right; each test works that
// out from what it has sent. Clocks are real here, so the stories that the tests
// tell are set in the hours before now, and end as they must whatever the order
// in which they are read.
//
// -short skips all of it.
//
// Reads: conversation-events, escalations, dead-letters.
// Writes: conversation-events, escalations (a transaction that is aborted).
package e2e
