package notify

import (
	"container/heap"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// book is the ledger of one partition while it is ours: entries on the shelf,
// every change of them on its way to the topic. It is filled from the topic, from
// where the shelf has it up to our own owner record, and then hands what is pending
// to the outboxes.
type book struct {
	*gate
	window    *window
	ledger    *ledger
	partition int32
	writer    string // names this book: no other has had it, here or elsewhere
	opened    time.Time
	ready     chan struct{} // closed once the book is filled
	onFilled  func()        // called then
	group     string        // by which the partition is ours
	inGroup   func() bool   // asks it whether we are in it
	past      past
	taken     atomic.Bool // by another notifier; the gate is closed for other reasons, too

	// One change at a time, written in the order in which they happen. Nothing that
	// runs when a write has ended may want it: writing waits for room.
	mu     sync.Mutex
	page   *page // has a lock of its own
	hand   *hand // so has this
	filled bool
	timers timers
}

func newBook(l *ledger, w *window) *book {
	return &book{
		gate: w.gate, window: w, ledger: l, partition: w.partition, writer: rand.Text(),
		opened: time.Now(), ready: make(chan struct{}), onFilled: func() {}, inGroup: func() bool { return false }, page: newPage(l, w.partition),
		hand: newHand(atHand / max(1, l.partitions)),
	}
}

// load returns an entry, which is the caller's; nil if there is none.
func (b *book) load(id entryID) *entry {
	e, err := b.hand.get(id, func() (*entry, error) { return b.page.load(id) })
	if err != nil {
		b.ledger.fail(err)
	}
	return e
}

// add opens an entry and calls then once it is on the topic; false if it is
// known, and nothing happens.
func (b *book) add(e *entry, then func(error)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := idOf(e.Escalation, e.Destination)
	if b.load(id) != nil {
		return false
	}
	b.save(id, e, then)
	return true
}

// change lets f change an entry; f returns false to leave it. It returns the
// entry as it is then, nil if there is none. then is called in any case.
func (b *book) change(id entryID, f func(*entry) bool, then func(error)) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.load(id)
	if e != nil && f(e) {
		b.save(id, e, then)
	} else if then != nil {
		then(nil)
	}
	return e
}

// save holds an entry as it is now and writes it to the topic.
func (b *book) save(id entryID, e *entry, then func(error)) {
	value, err := schemas.EncodeDelivery(e)
	if err == nil {
		err = b.ledger.shelf.put(b.partition, id, e, b.hand.put(id, e))
	}
	if err != nil {
		b.ledger.fail(err)
		return
	}
	b.arm(id, e)
	b.ledger.write(b, e.Key(), value, func(offset int64, err error) {
		if err != nil {
			b.hand.refused(id)
		} else {
			b.hand.taken(id, offset)
		}
		if then != nil {
			then(err)
		}
	}, kgo.RecordHeader{Key: schemas.HeaderIndex, Value: indexOf(e).Encode()})
}

// discard deletes an entry that has been kept long enough. It goes from the shelf when
// that is read again.
func (b *book) discard(e *entry) { b.ledger.write(b, e.Key(), nil, nil) }

func (b *book) arm(id entryID, e *entry) {
	if e.State != schemas.DeliveryPending {
		heap.Push(&b.timers, timer{nextLook(e), id})
	}
}

// ids lists the entries of an alert, or of all alerts of a conversation.
func (b *book) ids(conversation, escalation string) []entryID {
	ids, err := b.ledger.shelf.ofConversation(b.partition, conversation)
	if err != nil {
		b.ledger.fail(err)
	}
	if escalation != "" {
		ids = slices.DeleteFunc(ids, func(id entryID) bool { return !id.of(escalation) })
	}
	return ids
}

// read takes in the next record of the topic; false: the book takes none any more.
func (b *book) read(r *kgo.Record) bool {
	if !b.page.take(r) {
		return false
	}
	b.hand.reached(r.Offset + 1)
	return true
}

// take takes in a record of the topic that another process wrote, or that we
// wrote in an earlier life.
func (b *book) take(r *kgo.Record) {
	key := string(r.Key)
	switch {
	case strings.HasPrefix(key, schemas.DeliveryOwner):
		b.read(r)
		if b.isFilled() && r.Value != nil {
			b.takeOwner(r.Value)
		}
	case strings.HasPrefix(key, schemas.DeliveryAnswer):
		b.takeCommand(r)
	default:
		b.takeEntry(key, r)
	}
}

// takeOwner takes in that somebody else takes the partition. Whoever of our group had it
// before us may say so late: the brokers did not take his record while it was his. Only
// the group knows: it gives to nobody else what is of somebody who is in it.
func (b *book) takeOwner(value []byte) {
	if decodeOwner(value).Group == b.group && b.inGroup() {
		b.ledger.log.Warn("the record by which another notifier once took a partition has come late; the partition is ours",
			schemas.LogTopic, b.ledger.topic, schemas.LogPartition, b.partition)
		return
	}
	b.taken.Store(true)
	b.ledger.log.Warn("another notifier has taken a partition over; nothing more is told of it here",
		schemas.LogTopic, b.ledger.topic, schemas.LogPartition, b.partition)
	b.close()
}

// takeOwn takes in a record that we wrote.
func (b *book) takeOwn(r *kgo.Record) {
	if !b.read(r) {
		return // what is at hand is all that is left of it
	}
	switch key := string(r.Key); {
	case strings.HasPrefix(key, schemas.DeliveryOwner):
		b.fill()
	case strings.HasPrefix(key, schemas.DeliveryAnswer):
	case r.Value == nil:
		b.hand.forget(idOfKey(key), r.Offset)
	}
}

// isFilled says whether the book is filled and what was pending is on its way.
func (b *book) isFilled() bool {
	select {
	case <-b.ready:
		return true
	default:
		return false
	}
}

func (b *book) takeEntry(key string, r *kgo.Record) {
	id := idOfKey(key)
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.filled {
		b.read(r)
		return
	}
	old := b.load(id)
	if !b.read(r) {
		return
	}
	b.page.flush() // it is found by its conversation now
	b.hand.forget(id, r.Offset)
	if r.Value == nil {
		return
	}
	e, err := schemas.DecodeDelivery(r.Value)
	if err != nil {
		return // its page has said so
	}
	if old != nil && !over(e) && over(old) {
		// Somebody has sent the alert again: it follows what became of it meanwhile.
		e.State = schemas.DeliveryPending
		e.Status, e.Record, e.Offset, e.Since = old.Status, old.Record, old.Offset, old.Since
		b.save(id, e, nil)
	} else {
		b.arm(id, e)
	}
	if e.State == schemas.DeliveryPending {
		b.ledger.send(b, id, e.Destination)
	}
}

func (b *book) takeCommand(r *kgo.Record) {
	b.mu.Lock()
	b.read(r)
	filled := b.filled
	b.mu.Unlock()
	if filled {
		b.obey(r.Value)
	}
}

// obey carries out a command and deletes it.
func (b *book) obey(value []byte) {
	c, err := decodeCommand(value)
	if err != nil {
		return
	}
	for _, id := range b.ids(c.Conversation, c.Escalation) {
		e := b.change(id, func(e *entry) bool {
			return e.Conversation == c.Conversation && (c.Escalation == "" || e.Escalation == c.Escalation) && answer(e, c)
		}, nil)
		if e != nil && e.State == schemas.DeliveryPending {
			b.ledger.send(b, id, e.Destination)
		}
	}
	b.ledger.write(b, c.Key(), nil, nil)
}

// fill ends the filling: what is pending goes to the outboxes.
func (b *book) fill() {
	b.mu.Lock()
	b.page.flush()
	f, err := b.page.filling()
	if err != nil {
		b.ledger.fail(err)
	}
	b.filled, b.timers = true, f.looks
	b.mu.Unlock()
	b.past.note(0, time.Time{}, time.Now()) // nothing may be left to read
	for _, w := range f.waiting {
		b.ledger.send(b, w.id, f.names[w.destination])
	}
	for _, a := range f.answers {
		b.obey(a)
	}
	close(b.ready)
	b.ledger.log.Info("the ledger of a partition is read", schemas.LogTopic, b.ledger.topic, schemas.LogPartition, b.partition,
		schemas.LogCount, b.page.taken, schemas.LogDuration, time.Since(b.opened).Round(time.Millisecond))
	b.onFilled()
}

// wake looks at what time alone has changed.
func (b *book) wake(now time.Time, habitOf func(*entry) habit) {
	at := schemas.Instant(now.UnixMilli())
	for _, id := range b.expired(at) {
		b.mu.Lock()
		e := b.load(id)
		switch {
		case e == nil || e.State == schemas.DeliveryPending || nextLook(e) > at:
			e = nil
		case expiry(e) <= at:
			b.discard(e)
			e = nil
		default:
			remind(e, habitOf(e), now)
			b.save(id, e, nil)
		}
		b.mu.Unlock()
		if e != nil {
			b.ledger.send(b, id, e.Destination)
		}
	}
}

// expired returns the entries whose look has come.
func (b *book) expired(now schemas.Instant) (ids []entryID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.filled && len(b.timers) > 0 && b.timers[0].at <= now {
		ids = append(ids, heap.Pop(&b.timers).(timer).id)
	}
	return ids
}
