// Package stream is the runtime of the processor: it reads the input topic,
// drives a Handler, and commits what comes of it exactly once. It knows nothing
// of SLAs.
//
// Reads: conversation-events, sla-changelog (to restore).
// Writes: sla-changelog, conversation-events (ticks), dead-letters, and the
// topics of the handler's outputs.
//
// # Contract
//
// A partition's state, its deadline index and its time follow from its input
// records alone: a Task that applies the same records in the same order decides
// the same, whatever the transactions, restarts and restores in between. Time is
// in the records: only a tick moves it. The two things that a Task takes from
// elsewhere are the size a record may have and the number of partitions; both
// are the same for all members of a group.
//
// # A Task and its caller
//
// The Runner under Kafka and the replay without it go through the same calls:
//
//	t, err := stream.NewTask(cfg)          // state as the store has it
//	for {
//		for _, rec := range records {  // offsets grow; known ones are skipped
//			err := t.Apply(rec)
//		}
//		changes, err := t.Flush()      // for the changelog
//		outputs := t.Outputs()         // for the other topics
//		// write them, and t.Position() as the next input offset, in one transaction
//		if committed {
//			err = t.Commit(changelogEnd)
//		} else {
//			t.Abort()              // then apply from t.Position() again
//		}
//	}
//
// # Runners
//
// Runners work the partitions of one process: New builds, Run blocks until its
// context is cancelled. A partition that meets something this binary cannot
// handle is suspended and shows in Ready, the log and the metrics; the others go
// on. One that waits for something outside, rules say, is tried again by and by.
package stream
