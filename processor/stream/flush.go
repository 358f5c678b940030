package stream

import (
	"errors"
	"fmt"
	"time"

	"unpark/processor/store"
	"unpark/schemas"
)

// Flush ends the applying of records and returns what the transaction has to
// write to the changelog: one change for each touched key, and the partition's
// meta record, valid until Commit or Abort. Without applied records there is
// nothing to write.
//
// A change or output that is too large for its topic would abort the partition's
// transactions for ever. It makes a dead letter of the input it came from: the
// transaction is applied anew, step by step, to find it.
func (t *Task) Flush() ([]Change, error) {
	if len(t.records) == 0 {
		return nil, nil
	}
	if err := t.cfg.Handler.Flush(t.tx); err != nil {
		return nil, fmt.Errorf("flush: %w", err)
	}
	for t.tx.oversized {
		if err := t.rerun(); err != nil {
			return nil, err
		}
	}
	meta, err := t.meta().MarshalVT()
	if err != nil {
		return nil, err
	}
	t.flushed = true
	t.tx.change(schemas.MetaKey, meta)
	return t.tx.changes, nil
}

func (t *Task) meta() *schemas.PartitionMeta {
	meta := &schemas.PartitionMeta{
		Version:       StateVersion,
		InputPosition: t.cur.position,
		NowMs:         t.cur.now,
		TickedMs:      t.cur.ticked,
		WatermarkMs:   t.cur.watermark.at,
		WatermarkKey:  []byte(t.cur.watermark.key),
		Sequence:      t.saved.sequence + 1,
		Partitions:    t.cfg.Partitions,
	}
	if t.cfg.InputTopic != [16]byte{} {
		meta.InputTopic = t.cfg.InputTopic[:]
	}
	return meta
}

// Commit makes the transaction part of the partition's state, together with the
// changelog offset behind its last change. It follows Flush.
func (t *Task) Commit(changelogEnd int64) error {
	if len(t.records) == 0 {
		return nil
	}
	if !t.flushed {
		return errors.New("commit without flush")
	}
	pos := t.write()
	pos.Changelog, pos.MetaAt = changelogEnd, changelogEnd-1 // the meta record is the last change
	if err := t.cfg.Store.Commit(pos); err != nil {
		return err
	}
	t.cur.sequence++
	t.saved, t.moved = t.cur, false
	t.tx.reset()
	t.deadline.rollback() // they are in the store now
	t.clear()
	return nil
}

// write passes all that has changed on to the store.
func (t *Task) write() store.Position {
	pos := position(t.cfg)
	p := t.cfg.Store
	for _, c := range t.tx.changes {
		switch {
		case string(c.Key) == string(schemas.MetaKey):
			pos.Meta = c.Value
		case c.Value == nil:
			p.Delete(c.Key)
		default:
			p.Put(c.Key, c.Value)
		}
	}
	t.deadline.write(t.cur.watermark)
	return pos
}

// position returns a Position that lacks what it stands for.
func position(cfg TaskConfig) store.Position {
	return store.Position{
		Topic:     cfg.ChangelogTopic,
		Cluster:   cfg.Cluster,
		Format:    StateVersion,
		WrittenAt: time.Now().UnixMilli(), // compared with the changelog's retention, decides nothing
	}
}
