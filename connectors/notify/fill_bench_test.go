package notify

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// BenchmarkFill reads the ledger of a partition as a notifier does when it starts:
// what it costs a record, two of which are written of each alert.
func BenchmarkFill(b *testing.B) {
	e := fridayCase(b)
	value, err := schemas.EncodeEscalation(&e)
	if err != nil {
		b.Fatal(err)
	}
	records := make([]*kgo.Record, b.N)
	for i := range records {
		n := i / 40 * 20 // twenty are pending, then they are sent
		one := &entry{
			State: schemas.DeliveryPending, Escalation: fmt.Sprintf("%032x", n+i%20), Org: e.Org, Conversation: fmt.Sprintf("c-%d", (n+i%20)/2),
			Destination: "org-1/managers/0", Status: schemas.StatusRaised, Since: e.At, RaisedAt: e.At, Record: value,
		}
		if i%40 >= 20 {
			tell(one, Alert, "C0123456789/1767611710.000100", "0123456789ab", 0, e.At.Time())
		}
		line, err := schemas.EncodeDelivery(one)
		if err != nil {
			b.Fatal(err)
		}
		records[i] = &kgo.Record{
			Key: []byte(one.Key()), Value: line, Headers: []kgo.RecordHeader{{Key: schemas.HeaderIndex, Value: indexOf(one).Encode()}},
		}
	}
	shelf, err := openShelf(b.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = shelf.close() }()
	l := &ledger{shelf: shelf, log: slog.New(slog.DiscardHandler), failed: make(chan error, 1), books: map[int32]*book{}, send: func(*book, entryID, string) {}}
	b.ReportAllocs()
	b.ResetTimer()
	k := newBook(l, newWindow("t", 0))
	for _, r := range records {
		k.take(r)
	}
	k.fill()
}

// BenchmarkPending fills a partition with entries that all wait, and hands them to
// their outbox: what a million of them hold in memory.
func BenchmarkPending(b *testing.B) {
	e := fridayCase(b)
	value, err := schemas.EncodeEscalation(&e)
	if err != nil {
		b.Fatal(err)
	}
	shelf, err := openShelf(b.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = shelf.close() }()
	o := &outbox{}
	l := &ledger{
		shelf: shelf, log: slog.New(slog.DiscardHandler), failed: make(chan error, 1), books: map[int32]*book{},
		send: func(k *book, id entryID, _ string) { o.items = append(o.items, item{k, id}) },
	}
	k := newBook(l, newWindow("t", 0))
	before := inUse()
	for i := range b.N {
		one := &entry{
			State: schemas.DeliveryPending, Escalation: fmt.Sprintf("%032x", i), Org: e.Org, Conversation: fmt.Sprintf("c-%d", i/2),
			Destination: "org-1/managers/0", Status: schemas.StatusRaised, Since: e.At, RaisedAt: e.At, Record: value,
		}
		line, err := schemas.EncodeDelivery(one)
		if err != nil {
			b.Fatal(err)
		}
		k.take(&kgo.Record{Key: []byte(one.Key()), Value: line, Headers: []kgo.RecordHeader{{Key: schemas.HeaderIndex, Value: indexOf(one).Encode()}}})
	}
	filling := inUse()
	k.fill()
	b.ReportMetric(float64(filling-before)/float64(b.N), "heap-B/filling")
	b.ReportMetric(float64(inUse()-before)/float64(b.N), "heap-B/entry")
	if len(o.items) != b.N {
		b.Fatalf("%d of %d wait", len(o.items), b.N)
	}
}

// inUse is what is in use once all garbage is gone.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
