// Package lockstep keeps a simulated time from running ahead of the unpark that
// lives by it: the clock hurries while the processor's ticks, the bridge's word of
// what it has read and the verifier's answers follow closely, and passes as slowly
// as the wall clock while they do not. So what comes of a simulation does not
// depend on how busy the machine is.
//
// A tick follows once what came of it can be read: a request shows only when its
// transaction is over, and ticks, which are in none, show at once.
//
// Reads: conversation-events, genesys-requests.
// Writes: nothing.
package lockstep

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/schemas"
)

// Config is what a Watch works with.
type Config struct {
	Kafka      []kgo.Opt
	Prefix     string
	Group      string // of the processor
	Partitions int32
	Lead       *clock.Lead
	// Leash is how far the clock may hurry ahead of the newest tick that any partition
	// has handled, of what the bridge has read for it, and of any request that is not answered, in
	// its own time.
	Leash time.Duration
	// Excused says that requests of an org are not waited for, since Genesys is out
	// of order there at an instant of the clock, and their answers need it to go on;
	// nil: all are.
	Excused func(org string, now time.Time) bool
}

// patience is how long, in wall time, a request is waited for. With a leash of two
// minutes the processor, which waits for five, has given it up soon afterwards.
const patience = 2 * time.Minute

// Watch reads the log as it grows.
type Watch struct {
	config Config
	client *kgo.Client

	mu      sync.Mutex
	ticks   map[int32][]tick    // not known to be handled, the first first
	handled map[int32]time.Time // the newest tick of which all that came is read
	read    map[int32]int64     // the next offset of genesys-requests
	words   map[int32]time.Time // up to which the bridge has read, by partition
	asked   map[string]request  // not answered, by id
	early   map[string]bool     // answered, the request not read yet
	sent    []time.Time         // envelopes on their way, the first first
	unseen  time.Duration
}

type tick struct {
	offset int64
	at     time.Time
}

type request struct {
	org  string
	at   time.Time // on the clock
	seen time.Time // on the wall
}

// New opens a watch; Run works.
func New(c Config) (*Watch, error) {
	client, err := kgo.NewClient(append(c.Kafka[:len(c.Kafka):len(c.Kafka)],
		kgo.ConsumeTopics(schemas.ConversationEvents.Name(c.Prefix), schemas.GenesysRequests.Name(c.Prefix)),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // what has been read goes up to the end of a transaction
	)...)
	if err != nil {
		return nil, fmt.Errorf("lockstep: %w", err)
	}
	w := newWatch(c)
	w.client = client
	return w, nil
}

func newWatch(c Config) *Watch {
	return &Watch{
		config: c, ticks: make(map[int32][]tick), handled: make(map[int32]time.Time), read: make(map[int32]int64),
		words: make(map[int32]time.Time), asked: make(map[string]request), early: make(map[string]bool),
	}
}

// look is how often, in wall time, the limit of the clock is moved.
const look = 3 * time.Millisecond

// Run leads the clock until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	var reading sync.WaitGroup
	reading.Go(func() { w.poll(ctx) })
	reading.Go(func() { w.follow(ctx) })
	defer reading.Wait()
	defer w.client.Close()
	every := time.NewTicker(look)
	defer every.Stop()
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil
		}
		if err := w.lead(); err != nil {
			return fmt.Errorf("lockstep: %w", err)
		}
	}
}

// lead lets the clock hurry up to the end of the leash.
func (w *Watch) lead() error {
	now := w.config.Lead.Clock().Now()
	if left := w.config.Leash - w.Behind(now); left > 0 {
		return w.config.Lead.Until(now.Add(left))
	}
	return nil
}

// Behind is how far unpark is behind an instant of the clock: its oldest tick or
// word of the bridge, or the oldest request that is still worth waiting for, or
// envelope.
func (w *Watch) Behind(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	oldest := now
	for p := range w.config.Partitions {
		for _, at := range []time.Time{w.handled[p], w.words[p]} {
			if at.Before(oldest) {
				oldest = at
			}
		}
	}
	for _, r := range w.asked {
		excused := w.config.Excused != nil && w.config.Excused(r.org, now)
		if r.at.Before(oldest) && !excused && time.Since(r.seen) < patience {
			oldest = r.at
		}
	}
	if len(w.sent) > 0 && w.sent[0].Before(oldest) {
		oldest = w.sent[0]
	}
	return now.Sub(oldest)
}

// Sent notes that n envelopes are on their way to the bridge, at an instant of the
// clock: the clock waits for them too.
func (w *Watch) Sent(n int, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		w.sent = append(w.sent, at)
	}
}

// Unseen is the longest for which the clock went on between a request and the
// instant at which it could be read.
func (w *Watch) Unseen() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unseen
}

func (w *Watch) poll(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := w.client.PollFetches(ctx)
		w.mu.Lock()
		fetches.EachRecord(w.note)
		w.mu.Unlock()
	}
}

func (w *Watch) note(r *kgo.Record) {
	if r.Topic == schemas.GenesysRequests.Name(w.config.Prefix) {
		w.read[r.Partition] = r.Offset + 1
		var asked schemas.GenesysRequest
		if !r.Attrs.IsControl() && asked.UnmarshalVT(r.Value) == nil {
			w.ask(&asked)
		}
		return
	}
	if r.Attrs.IsControl() {
		return
	}
	var in schemas.InputRecord
	if in.UnmarshalVT(r.Value) != nil {
		return
	}
	switch k := in.Kind.(type) {
	case *schemas.InputRecord_Event:
		w.sent = w.sent[min(1, len(w.sent)):]
	case *schemas.InputRecord_Tick:
		w.ticks[r.Partition] = append(w.ticks[r.Partition], tick{r.Offset, r.Timestamp})
	case *schemas.InputRecord_SourceProgress:
		w.words[r.Partition] = time.UnixMilli(k.SourceProgress.ReadUpToMs)
	case *schemas.InputRecord_ThreadObserved:
		w.answered(k.ThreadObserved.RequestId)
	case *schemas.InputRecord_CheckFailed:
		w.answered(k.CheckFailed.RequestId)
	case *schemas.InputRecord_ActionDone:
		w.answered(k.ActionDone.RequestId)
	}
}

func (w *Watch) ask(r *schemas.GenesysRequest) {
	if !w.early[r.Id] {
		at := time.UnixMilli(r.RequestedAtMs)
		w.asked[r.Id] = request{r.OrgId, at, time.Now()}
		w.unseen = max(w.unseen, w.config.Lead.Clock().Now().Sub(at))
	}
	delete(w.early, r.Id)
}

func (w *Watch) answered(id string) {
	if _, ok := w.asked[id]; !ok && id != "" {
		w.early[id] = true
	}
	delete(w.asked, id)
}
