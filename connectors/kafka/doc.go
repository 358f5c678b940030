// Package kafka connects unpark to its brokers: options from configuration,
// topics made and compared with the table in schemas, the broker's version
// checked, dead letters listed and sent again, and a broker inside the process
// for laptops and tests.
//
// Reads: dead-letters (ListDeadLetters), any topic (ReadToEnd), the cluster's description of its topics.
// Writes: the topics themselves (CreateTopics), a dead letter's own topic (Redrive).
package kafka
