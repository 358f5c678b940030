package e2e

import (
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/truthtest"
	"unpark/schemas"
)

// weekLog is what the topics say of a week: what was told and asked, and when each
// partition was how far.
type weekLog struct {
	end      time.Time
	told     []*schemas.Escalation
	asks     map[string][]*truthtest.Ask
	why      map[*truthtest.Ask]string // those that failed did
	of       map[string]int32          // the partition of a conversation
	first    map[string]int64          // the offset of its first event
	ticks    map[int32][]tick
	progress map[int32][]progress
}

type tick struct {
	at     time.Time
	offset int64
}

// progress is a word of the bridge.
type progress struct {
	upTo   time.Time
	offset int64
}

// checkTimeout is how long the processor waits for an answer (SLA.md 5.2).
const checkTimeout = 5 * time.Minute

// read reads the topics of a week that is over.
func (w *week) read(end time.Time) *weekLog {
	w.t.Helper()
	l := &weekLog{
		end: end, asks: map[string][]*truthtest.Ask{}, why: map[*truthtest.Ask]string{}, of: map[string]int32{}, first: map[string]int64{}, ticks: map[int32][]tick{}, progress: map[int32][]progress{},
	}
	for _, r := range follow(w.deployment, "escalations").all() {
		e, err := schemas.DecodeEscalation(r.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		l.told = append(l.told, e)
	}
	byID := make(map[string]*truthtest.Ask)
	for _, r := range follow(w.deployment, "genesys-requests").all() {
		var q schemas.GenesysRequest
		if err := q.UnmarshalVT(r.Value); err != nil {
			w.t.Fatal(err)
		}
		a := &truthtest.Ask{Org: q.OrgId, At: time.UnixMilli(q.RequestedAtMs), Urgency: q.Urgency}
		byID[q.Id], l.asks[q.ConversationId] = a, append(l.asks[q.ConversationId], a)
	}
	events := follow(w.deployment, "conversation-events").all()
	for _, r := range events {
		l.note(w, r)
	}
	for _, r := range events {
		l.answer(w, r, byID)
	}
	return l
}

func decodeInput(w *week, r *kgo.Record) *schemas.InputRecord {
	in := new(schemas.InputRecord)
	if err := in.UnmarshalVT(r.Value); err != nil {
		w.t.Fatal(err)
	}
	return in
}

func (l *weekLog) note(w *week, r *kgo.Record) {
	switch k := decodeInput(w, r).Kind.(type) {
	case *schemas.InputRecord_Event:
		id := k.Event.ConversationId
		if _, ok := l.first[id]; !ok {
			l.of[id], l.first[id] = r.Partition, r.Offset
		}
	case *schemas.InputRecord_Tick:
		l.ticks[r.Partition] = append(l.ticks[r.Partition], tick{r.Timestamp, r.Offset})
	case *schemas.InputRecord_SourceProgress:
		l.progress[r.Partition] = append(l.progress[r.Partition], progress{time.UnixMilli(k.SourceProgress.ReadUpToMs), r.Offset})
	}
}

// answer notes when a request was answered: at the first tick that knows it. One
// that came too late, and the second of two, changes nothing.
func (l *weekLog) answer(w *week, r *kgo.Record, byID map[string]*truthtest.Ask) {
	var id string
	failed, why := false, "late"
	switch k := decodeInput(w, r).Kind.(type) {
	case *schemas.InputRecord_ThreadObserved:
		id = k.ThreadObserved.RequestId
	case *schemas.InputRecord_CheckFailed:
		id, failed, why = k.CheckFailed.RequestId, true, k.CheckFailed.Reason
	case *schemas.InputRecord_ActionDone:
		id, failed = k.ActionDone.RequestId, k.ActionDone.Outcome == "failed"
		if failed {
			why = k.ActionDone.Reason
		}
	}
	a := byID[id]
	if a == nil || !a.Answered.IsZero() {
		return
	}
	a.Answered, l.why[a] = l.after(r.Partition, r.Offset), why
	a.Failed = failed || a.Answered.Sub(a.At) > checkTimeout
}

// after is the time of the first tick behind an offset.
func (l *weekLog) after(partition int32, offset int64) time.Time {
	ticks := l.ticks[partition]
	i := sort.Search(len(ticks), func(i int) bool { return ticks[i].offset > offset })
	if i == len(ticks) {
		return l.beyond()
	}
	return ticks[i].at
}

// beyond is when what the log has no word of may have been.
func (l *weekLog) beyond() time.Time { return l.end.Add(24 * time.Hour) }

// retry is the longest after which what waited for a source is looked at again.
const retry = 30 * time.Second

// ready is when a tier that is due may be judged: after the grace, once the
// conversation is known, and once the bridge has said that it has read so far.
func (l *weekLog) ready(conversation string, due time.Time) time.Time {
	const grace = 10 * time.Second
	p := l.of[conversation]
	words := l.progress[p]
	i := sort.Search(len(words), func(i int) bool { return !words[i].upTo.Before(due) })
	if i == len(words) {
		return l.beyond()
	}
	if said := l.after(p, max(words[i].offset, l.first[conversation])); said.After(due.Add(grace)) {
		return said.Add(retry)
	}
	return due.Add(grace)
}

// second is the second tick of a conversation's partition from t on.
func (l *weekLog) second(conversation string, t time.Time) time.Time {
	ticks := l.ticks[l.of[conversation]]
	i := sort.Search(len(ticks), func(i int) bool { return !ticks[i].at.Before(t) })
	if i+1 >= len(ticks) {
		return l.beyond()
	}
	return ticks[i+1].at
}

// compare compares what was told with what was so.
func (w *week) compare(l *weekLog, blind time.Duration) truthtest.Result {
	w.t.Helper()
	all := &truthtest.Week{
		Orgs: w.orgs, End: l.end, Told: l.told, Asks: l.asks, Blind: blind, Within: time.Hour, Ready: l.ready, Second: l.second,
	}
	return all.Compare(w.t)
}
