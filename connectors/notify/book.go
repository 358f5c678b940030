package notify

import (
	"bytes"
	"container/heap"
	"crypto/rand"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// book is the ledger of one partition while it is ours: entries on the shelf,
// every change of them on its way to the topic. It is filled from the topic up to
// our own owner record, and then hands what is pending to the outboxes.
type book struct {
	*gate
	window    *window
	ledger    *ledger
	partition int32
	writer    string // names this book: no other has had it, here or elsewhere
	opened    time.Time
	ready     chan struct{} // closed once the book is filled
	onFilled  func()        // called then

	// One change at a time, written in the order in which they happen. Nothing that
	// runs when a write has ended may want it: writing waits for room.
	mu      sync.Mutex
	filled  bool
	filling *filling // nil once it is filled
	timers  timers
}

func newBook(l *ledger, w *window) *book {
	return &book{
		gate: w.gate, window: w, ledger: l, partition: w.partition, writer: rand.Text(),
		opened: time.Now(), ready: make(chan struct{}), onFilled: func() {}, filling: newFilling(),
	}
}

// load returns an entry, which is the caller's; nil if there is none.
func (b *book) load(id entryID) *entry {
	e, err := b.ledger.shelf.load(b.partition, id)
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

// save puts an entry on the shelf and writes it to the topic.
func (b *book) save(id entryID, e *entry, then func(error)) {
	value, err := schemas.EncodeDelivery(e)
	if err == nil {
		err = b.ledger.shelf.put(b.partition, id, e, value)
	}
	if err != nil {
		b.ledger.fail(err)
		return
	}
	b.arm(id, e)
	b.ledger.write(b, e.Key(), value, then, kgo.RecordHeader{Key: schemas.HeaderIndex, Value: indexOf(e).Encode()})
}

// discard deletes an entry that has been kept long enough.
func (b *book) discard(id entryID, e *entry) {
	if err := b.ledger.shelf.remove(b.partition, id, e); err != nil {
		b.ledger.fail(err)
		return
	}
	b.ledger.write(b, e.Key(), nil, nil)
}

func (b *book) arm(id entryID, e *entry) {
	if e.State != schemas.DeliveryPending {
		heap.Push(&b.timers, timer{nextLook(e), id})
	}
}

// ids lists the entries of an alert, or of all alerts of a conversation.
func (b *book) ids(conversation, escalation string) []entryID {
	find, of := b.ledger.shelf.ofEscalation, escalation
	if escalation == "" {
		find, of = b.ledger.shelf.ofConversation, conversation
	}
	ids, err := find(b.partition, of)
	if err != nil {
		b.ledger.fail(err)
	}
	return ids
}

// take takes in a record of the topic that another process wrote, or that we
// wrote in an earlier life.
func (b *book) take(r *kgo.Record) {
	key := string(r.Key)
	switch {
	case strings.HasPrefix(key, schemas.DeliveryOwner):
		if b.isFilled() && r.Value != nil {
			b.ledger.lost(b)
		}
	case strings.HasPrefix(key, schemas.DeliveryAnswer):
		b.takeCommand(r)
	default:
		b.takeEntry(r)
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

func (b *book) takeEntry(r *kgo.Record) {
	escalation, destination, _ := strings.Cut(string(r.Key), "/")
	id := idOf(escalation, destination)
	if r.Value == nil {
		b.forgetEntry(id)
		return
	}
	if !b.isFilled() {
		b.note(id, destination, r)
		return
	}
	e, err := schemas.DecodeDelivery(r.Value)
	if err != nil {
		b.ledger.unreadable(b.partition)
		return
	}
	if b.shelve(id, e, b.merge(id, e, bytes.Clone(r.Value))); e.State == schemas.DeliveryPending {
		b.ledger.send(b, id, e.Destination)
	}
}

// note takes in an entry while the book is filled.
func (b *book) note(id entryID, destination string, r *kgo.Record) {
	header, _ := headerOf(r, schemas.HeaderIndex)
	index, ok := schemas.DecodeDeliveryIndex(header)
	if !ok {
		e, err := schemas.DecodeDelivery(r.Value)
		if err != nil {
			b.ledger.unreadable(b.partition)
			return
		}
		index = indexOf(e)
	}
	b.filling.take(id, destination, indexed{index, bytes.Clone(r.Value)})
	if len(b.filling.records) >= maxRecords {
		b.flush()
	}
}

// flush takes to the shelf what has been read.
func (b *book) flush() {
	if err := b.ledger.shelf.fill(b.partition, b.filling.records); err != nil {
		b.ledger.fail(err)
	}
	clear(b.filling.records)
}

// merge has an alert that somebody has sent again follow what became of it
// meanwhile.
func (b *book) merge(id entryID, e *entry, value []byte) []byte {
	old := b.load(id)
	if old == nil || over(e) || !over(old) {
		return value
	}
	e.State = schemas.DeliveryPending
	e.Status, e.Record, e.Offset, e.Since = old.Status, old.Record, old.Offset, old.Since
	if merged, err := schemas.EncodeDelivery(e); err == nil {
		return merged
	}
	return value
}

func (b *book) forgetEntry(id entryID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.filled {
		b.filling.forget(id)
	}
	if e := b.load(id); e != nil {
		if err := b.ledger.shelf.remove(b.partition, id, e); err != nil {
			b.ledger.fail(err)
		}
	}
}

// shelve keeps an entry as the topic has it.
func (b *book) shelve(id entryID, e *entry, value []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.ledger.shelf.put(b.partition, id, e, value); err != nil {
		b.ledger.fail(err)
	}
	b.arm(id, e)
}

func (b *book) takeCommand(r *kgo.Record) {
	c, err := decodeCommand(r.Value)
	if err != nil || r.Value == nil {
		return
	}
	b.mu.Lock()
	if !b.filled {
		b.filling.commands = append(b.filling.commands, c)
		b.mu.Unlock()
		return
	}
	b.mu.Unlock()
	b.obey(c)
}

// obey carries out a command and deletes it.
func (b *book) obey(c schemas.DeliveryCommand) {
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
	b.flush()
	b.mu.Lock()
	f := b.filling
	b.filling, b.filled, b.timers = nil, true, f.looks()
	b.mu.Unlock()
	for _, w := range f.waiting() {
		b.ledger.send(b, w.id, f.names[w.destination])
	}
	for _, c := range f.commands {
		b.obey(c)
	}
	close(b.ready)
	b.ledger.log.Info("the ledger of a partition is read", schemas.LogTopic, b.ledger.topic, schemas.LogPartition, b.partition,
		schemas.LogCount, f.n, schemas.LogDuration, time.Since(b.opened).Round(time.Millisecond))
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
			b.discard(id, e)
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
