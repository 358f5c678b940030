package replay_test

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"

	"unpark/processor"
	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

// counting counts the events of a conversation and looks at it a second after the
// first. A wrapup writes more than a record may hold.
type counting struct{}

func (counting) Process(tx stream.Tx, rec stream.Record) error {
	e := rec.Input.GetEvent()
	if e.Topic == schemas.EventTopic_EVENT_TOPIC_ACW {
		return stream.Poison("acw", fmt.Errorf("not wanted"))
	}
	key := []byte(e.ConversationId)
	old, err := tx.Get(key)
	if err != nil {
		return err
	}
	n, due := uint64(1), int64(0)
	if old != nil {
		n, due = n+binary.BigEndian.Uint64(old), int64(binary.BigEndian.Uint64(old[8:]))
	} else if due, err = tx.SetDeadline(key, tx.Now()+1000); err != nil {
		return err
	}
	text := fmt.Sprintf("%s %d", key, n)
	if e.Topic == schemas.EventTopic_EVENT_TOPIC_WRAPUP {
		text = strings.Repeat(text, stream.DefaultMaxRecordBytes)
	}
	tx.Emit(stream.Output{Topic: schemas.Escalations, Key: key, Value: []byte(text)})
	return tx.Put(key, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, n), uint64(due)))
}

func (counting) Punctuate(tx stream.Tx, key []byte, due int64) (bool, error) {
	state, err := tx.Get(key)
	if err != nil || state == nil || int64(binary.BigEndian.Uint64(state[8:])) != due {
		return false, err // stale
	}
	tx.Emit(stream.Output{Topic: schemas.Escalations, Key: key, Value: fmt.Appendf(nil, "%s due %d at %d", key, due, tx.Now())})
	return true, tx.Delete(key)
}

func (counting) Tick(stream.Tx) (bool, error)              { return false, nil }
func (counting) Flush(stream.Tx) error                     { return nil }
func (counting) Reset()                                    {}
func (counting) Deadline(_, _ []byte) (int64, bool, error) { return 0, false, nil }

func said(o stream.Output) string {
	for _, h := range o.Headers {
		if h.Key == schemas.HeaderReason {
			return "dead letter: " + string(h.Value)
		}
	}
	return string(o.Value)
}

// What writes more than a record may hold is left out alone, as on a partition; what
// was decided with it in one go is decided again.
func TestShardsLeaveOutWhatIsTooLarge(t *testing.T) {
	var facts []replay.Fact
	for i := range int64(60) {
		topic := schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START
		switch i % 11 {
		case 3:
			topic = schemas.EventTopic_EVENT_TOPIC_WRAPUP
		case 5:
			topic = schemas.EventTopic_EVENT_TOPIC_ACW
		}
		in := event(fmt.Sprint("c", i%7), topic, "s", i)
		facts = append(facts, replay.Fact{Input: in, At: i * 100, Conversation: in.GetEvent().ConversationId})
	}
	var want []string
	d, err := replay.New(counting{}, func(o stream.Output) error { want = append(want, said(o)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i, f := range facts {
		if err := d.Pipe(f.Input, f.At); err != nil {
			t.Fatal(err)
		}
		if i == 20 {
			if err := d.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(want, "dead letter: too_large") || !slices.Contains(want, "dead letter: acw") {
		t.Fatalf("the history leaves nothing out: %q", want)
	}
	for _, shards := range []int{1, 3} {
		var got []string
		s := replay.NewSharded(slices.Repeat([]stream.Handler{counting{}}, shards), func(o stream.Output) error {
			got = append(got, said(o))
			return nil
		})
		for i, f := range facts {
			if err := s.Pipe(f); err != nil {
				t.Fatal(err)
			}
			if i == 20 {
				if err := s.Commit(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d shards tell\n%q\none partition\n%q", shards, got, want)
		}
	}
}

// A replay needs memory for what is open and what was lately closed, however long
// the history is.
func TestMemoryIsFlat(t *testing.T) {
	handler := processor.NewHandler(t.Context(), processor.Config{
		Rules: processor.NewRules(defaultPolicy{}), Metrics: processor.NewMetrics(nil), Logger: slog.New(slog.DiscardHandler),
	})
	s := replay.NewSharded([]stream.Handler{handler}, func(stream.Output) error { return nil })
	if err := s.Apply(activation()); err != nil {
		t.Fatal(err)
	}
	const daily, day = 200, 24 * 3_600_000
	at, conversations := int64(1_772_442_000_000), 0
	live := func(days int) uint64 {
		for n := range days * daily {
			id := fmt.Sprint("c", conversations)
			conversations++
			for _, topic := range []schemas.EventTopic{schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END} {
				at += day / daily / 2
				if err := s.Pipe(replay.Fact{Input: event(id, topic, "s", at), At: at, Conversation: id}); err != nil {
					t.Fatal(err)
				}
			}
			if n%(20*daily) == 20*daily-1 {
				if err := s.Commit(); err != nil {
					t.Fatal(err)
				}
			}
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	short := live(20)
	long := live(200)
	runtime.KeepAlive(s)
	if long > short+short/2 {
		t.Errorf("after 20 days %d bytes are in use, after 220 %d", short, long)
	}
}
