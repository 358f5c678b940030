package replay_test

import (
	"context"
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

// monthlyPolicy has a tier that falls due 30 days after each start.
type monthlyPolicy struct{}

func (monthlyPolicy) Get(context.Context, schemas.OrgConfigKey) ([]byte, bool, error) {
	return []byte(`{"id":"org-1","policies":[{"name":"p","objectives":[{"objective":"open","hours":"always","tiers":[{"at":"720h","kind":"warning"}]}]}]}`), true, nil
}

// A replay needs memory for what is open and what was closed within the last four
// days, however long the history is, and however far ahead the tiers lie that those
// who have left never reached.
func TestMemoryIsFlat(t *testing.T) {
	const hourly, hour = 40, 3_600_000
	handler := processor.NewHandler(t.Context(), processor.Config{
		Rules: processor.NewRules(monthlyPolicy{}), Metrics: processor.NewMetrics(nil), Logger: slog.New(slog.DiscardHandler),
	})
	s := replay.NewSharded([]stream.Handler{handler}, func(stream.Output) error { return nil })
	if err := s.Apply(activation()); err != nil {
		t.Fatal(err)
	}
	conversations := 0
	// until replays the history up to an hour and returns what is held then.
	until := func(h int) (states, entries int, heap uint64) {
		for ; conversations < h*hourly; conversations++ {
			id := fmt.Sprint("c", conversations)
			at := 1_772_442_000_000 + int64(conversations)*hour/hourly
			for i, topic := range []schemas.EventTopic{schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, schemas.EventTopic_EVENT_TOPIC_CUSTOMER_END} {
				at += int64(i) * hour / hourly / 2
				if err := s.Pipe(replay.Fact{Input: event(id, topic, "s", at), At: at, Conversation: id}); err != nil {
					t.Fatal(err)
				}
			}
			if conversations%hourly == 0 {
				if err := s.Commit(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		states, entries = s.Held()
		return states, entries, m.HeapAlloc
	}
	_, _, short := until(100)
	for _, hours := range []int{200, 400, 800} {
		states, entries, heap := until(hours)
		// 96 hours of the closed, the org, and who is open.
		if most := 96*hourly + 3; states > most {
			t.Errorf("after %d hours %d states are held, of %d at most", hours, states, most)
		}
		if most := 2*states + 1000; entries > most {
			t.Errorf("after %d hours the deadlines take %d entries, of %d at most", hours, entries, most)
		}
		if heap > short+short/2 {
			t.Errorf("after 100 hours %d bytes are in use, after %d %d", short, hours, heap)
		}
	}
	runtime.KeepAlive(s)
}

// planned looks at a conversation at 5000, or after a wrapup at 9000, which writes
// more than a record may hold.
type planned struct {
	counting
	looked []int64
}

func (p *planned) Process(tx stream.Tx, rec stream.Record) error {
	e := rec.Input.GetEvent()
	key, due, size := []byte(e.ConversationId), int64(5000), 1
	switch e.Topic {
	case schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START:
	case schemas.EventTopic_EVENT_TOPIC_WRAPUP:
		due, size = 9000, stream.DefaultMaxRecordBytes
	default:
		return nil
	}
	if _, err := tx.SetDeadline(key, due); err != nil {
		return err
	}
	return tx.Put(key, make([]byte, size))
}

func (p *planned) Punctuate(_ stream.Tx, _ []byte, due int64) (bool, error) {
	p.looked = append(p.looked, due)
	return true, nil
}

// What is undone leaves every deadline where it was, also if it was replaced and time
// has passed it.
func TestReplacedDeadlineComesBack(t *testing.T) {
	handler := &planned{}
	s := replay.NewSharded([]stream.Handler{handler}, func(stream.Output) error { return nil })
	for _, e := range []struct {
		topic schemas.EventTopic
		at    int64
	}{
		{schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, 1000},
		{schemas.EventTopic_EVENT_TOPIC_WRAPUP, 2000},
		{schemas.EventTopic_EVENT_TOPIC_ACD_START, 6000},
	} {
		if err := s.Pipe(replay.Fact{Input: event("c", e.topic, "s", e.at), At: e.at, Conversation: "c"}); err != nil {
			t.Fatal(err)
		}
		if e.at == 1000 {
			if err := s.Commit(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if want := []int64{5000}; !slices.Equal(handler.looked, want) {
		t.Errorf("looked at %v, want %v", handler.looked, want)
	}
}
