package notify

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// page is a partition of the ledger as the topic has it, up to an offset: the newest
// records, which are on their way to the disk, and what lies there. The topic alone
// decides what it holds, never what is still to be written; so it may be read on from
// there by the next process. Safe for concurrent use.
type page struct {
	ledger    *ledger
	partition int32

	mu sync.Mutex
	// Many an entry was written twice within a second.
	entries  map[entryID]paged
	answers  map[string][]byte // by key; nil: deleted
	known    map[entryID]int64 // all that there are: since which offset one waits, or settled; nil: the disk knows
	at       position          // behind the last record taken in
	recorded time.Time         // when it was written to the disk
	taken    int               // records, of the topic
	closed   bool
}

// paged is an entry as it stands on the topic.
type paged struct {
	schemas.DeliveryIndex
	destination string
	first       int64  // offset of the record that said first that it waits, if it does
	value       []byte // nil: deleted
}

const (
	// settled: an entry waits for nothing.
	settled = -1
	// maxRecords go to the disk together.
	maxRecords = 4096
	// rowSize is about what a short value takes in a batch, or what a key adds.
	rowSize = 64
	// recordEvery: a position that has not moved is still as good as new.
	recordEvery = time.Hour
)

func newPage(l *ledger, partition int32) *page {
	return &page{ledger: l, partition: partition, entries: map[entryID]paged{}, answers: map[string][]byte{}, at: position{source: l.source}}
}

// take takes in the next record of the topic; false: it takes none any more.
func (p *page) take(r *kgo.Record) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	if p.known == nil && p.at.Next == 0 {
		p.known = map[entryID]int64{} // nothing is on the disk
	}
	switch key := string(r.Key); {
	case strings.HasPrefix(key, schemas.DeliveryOwner):
	case strings.HasPrefix(key, schemas.DeliveryAnswer):
		p.answers[key] = r.Value
	default:
		p.takeEntry(key, r)
	}
	p.taken++
	p.at.Next, p.at.Epoch = r.Offset+1, r.LeaderEpoch
	if len(p.entries)+len(p.answers) >= maxRecords {
		p.record()
	}
	return true
}

func (p *page) takeEntry(key string, r *kgo.Record) {
	id := idOfKey(key)
	_, destination, _ := strings.Cut(key, "/")
	if r.Value == nil {
		old, known := p.entries[id]
		if !known {
			old.DeliveryIndex = p.stored(id)
		}
		p.entries[id] = paged{DeliveryIndex: old.DeliveryIndex}
		delete(p.known, id)
		return
	}
	header, _ := headerOf(r, schemas.HeaderIndex)
	index, ok := schemas.DecodeDeliveryIndex(header)
	if !ok {
		e, err := schemas.DecodeDelivery(r.Value)
		if err != nil {
			p.ledger.unreadable(p.partition)
			return
		}
		index = indexOf(e)
	}
	one := paged{index, destination, settled, r.Value}
	if index.Pending {
		one.first = r.Offset
		if first, waited := p.since(id); waited {
			one.first = first
		}
	}
	p.entries[id] = one
	if p.known != nil {
		p.known[id] = one.first
	}
}

// since says since which offset an entry waits; false if it does not.
func (p *page) since(id entryID) (first int64, waits bool) {
	if p.known != nil {
		first, known := p.known[id]
		return first, known && first != settled
	}
	one, known := p.entries[id]
	if !known {
		one = p.row(id)
	} else if one.value == nil {
		return 0, false
	}
	return one.first, one.Pending
}

// load returns an entry, which is the caller's; nil if there is none.
func (p *page) load(id entryID) (*entry, error) {
	p.mu.Lock()
	one, newest := p.entries[id]
	_, known := p.known[id]
	known = known || p.known == nil
	p.mu.Unlock()
	value := one.value
	if !newest && known {
		var err error
		if value, err = p.ledger.shelf.get(entryKey(p.partition, 'E', id[:])); err != nil {
			return nil, err
		}
	}
	if value == nil {
		return nil, nil
	}
	e, err := schemas.DecodeDelivery(value)
	if err != nil {
		return nil, nil // what cannot be read is passed over
	}
	return e, nil
}

// stored says what an entry on the disk belongs to.
func (p *page) stored(id entryID) schemas.DeliveryIndex {
	value, err := p.ledger.shelf.get(entryKey(p.partition, 'E', id[:]))
	if err != nil {
		p.ledger.fail(err)
	}
	e, err := schemas.DecodeDelivery(value)
	if err != nil {
		return schemas.DeliveryIndex{} // nothing that we know of
	}
	return indexOf(e)
}

// row returns what the disk says of an entry that waits.
func (p *page) row(id entryID) (one paged) {
	value, err := p.ledger.shelf.get(entryKey(p.partition, 'I', id[:]))
	if err != nil {
		p.ledger.fail(err)
	}
	if value != nil {
		one = decodeRow(value)
	}
	return one
}

// flush takes to the disk what was read.
func (p *page) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.entries)+len(p.answers) > 0 || p.at.Next > 0 && time.Since(p.recorded) > recordEvery {
		p.record()
	}
}

// close takes to the disk what was read, and takes in no more.
func (p *page) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.record()
	p.closed = true
}

// record writes what was read and up to where, all or nothing; the caller holds the
// lock.
func (p *page) record() {
	if p.at.Next == 0 || p.closed {
		return
	}
	p.recorded = time.Now()
	p.at.Written = p.recorded.UnixMilli()
	size := 0
	for _, one := range p.entries {
		size += len(one.value) + 4*rowSize
	}
	err := p.ledger.shelf.write(size, func(b *pebble.Batch) (err error) {
		for id, one := range p.entries {
			err = errors.Join(err, p.recordEntry(b, id, one))
		}
		for key, value := range p.answers {
			if value == nil {
				err = errors.Join(err, b.Delete(answerKey(p.partition, key), nil))
			} else {
				err = errors.Join(err, b.Set(answerKey(p.partition, key), value, nil))
			}
		}
		return errors.Join(err, b.Set(partitionKey(p.partition, 'P'), p.at.encode(), nil))
	})
	if err != nil {
		p.ledger.fail(err)
		p.closed = true
		return
	}
	clear(p.entries)
	clear(p.answers)
}

func (p *page) recordEntry(b *pebble.Batch, id entryID, one paged) error {
	keys := [][]byte{entryKey(p.partition, 'E', id[:]), entryKey(p.partition, 'I', id[:]), conversationKey(p.partition, one.Conversation, id[:])}
	if one.Digest != "" {
		keys = append(keys, digestKey(p.partition, one.Digest, id[:]))
	}
	var err error
	for i, key := range keys {
		switch {
		case one.value == nil:
			err = errors.Join(err, b.Delete(key, nil))
		case i == 0:
			err = errors.Join(err, b.Set(key, one.value, nil))
		case i == 1:
			err = errors.Join(err, b.Set(key, one.encodeRow(), nil))
		default:
			err = errors.Join(err, b.Set(key, nil, nil))
		}
	}
	return err
}

// encodeRow is what a notifier that starts wants to know of an entry: when to look
// at it, or that it waits, since which offset and for which destination.
func (one paged) encodeRow() []byte {
	if !one.Pending {
		return binary.BigEndian.AppendUint64([]byte{'s'}, uint64(one.Look))
	}
	row := make([]byte, 0, 9+len(one.destination))
	return append(binary.BigEndian.AppendUint64(append(row, 'p'), uint64(one.first)), one.destination...)
}

func decodeRow(row []byte) (one paged) {
	if len(row) < 9 {
		return one
	}
	n := binary.BigEndian.Uint64(row[1:])
	if row[0] != 'p' {
		one.Look = schemas.Instant(n)
		return one
	}
	one.Pending, one.first, one.destination = true, int64(n), string(row[9:])
	return one
}

// indexOf is what a record's header says of the entry in it.
func indexOf(e *entry) schemas.DeliveryIndex {
	i := schemas.DeliveryIndex{Pending: e.State == schemas.DeliveryPending, Conversation: e.Conversation, Digest: e.Digest}
	if !i.Pending {
		i.Look = nextLook(e)
	}
	return i
}

// eachAnswer calls f for each answer that lies on the disk.
func (p *page) eachAnswer(f func(value []byte)) error {
	return p.ledger.shelf.each(partitionKey(p.partition, 'A'), func(_, value []byte) { f(bytes.Clone(value)) })
}
