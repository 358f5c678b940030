package processor_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"pgregory.net/rapid"

	"unpark/internal/crashfs"
	"unpark/processor/calendar"
	"unpark/processor/replay"
	"unpark/processor/sla"
	"unpark/processor/store"
	"unpark/processor/stream"
	"unpark/schemas"
)

// TestRepeatsChangeNothing puts repeats into a log, of versions that are in force
// and of some that have been replaced: what is said and asked stays the same.
func TestRepeatsChangeNothing(t *testing.T) {
	oracle(t, 100)
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, r, genCheckedHistory(r))
		defer w.driver.Close()
		w.run()
		var out []stream.Output
		d, err := replay.New(newHandler(t, w.history), func(o stream.Output) error {
			out = append(out, o)
			return nil
		})
		w.check(err)
		defer d.Close()
		for _, rec := range repeated(r, w.log) {
			w.check(d.ApplyRecord(rec))
		}
		w.check(d.Commit())
		if diff := cmp.Diff(w.out, out); diff != "" {
			r.Fatalf("(-without repeats +with them):\n%s\n%s", diff, w)
		}
	})
}

// repeated puts repeats of what was activated before into a log.
func repeated(t *rapid.T, log []stream.Record) (with []stream.Record) {
	var activations []*schemas.ConfigActivated
	add := func(rec stream.Record) int64 {
		rec.Offset = int64(len(with))
		with = append(with, rec)
		return rec.Offset
	}
	for _, rec := range log {
		if len(activations) > 0 && rapid.IntRange(0, 4).Draw(t, "repeated here") == 0 {
			a := rapid.SampledFrom(activations).Draw(t, "of")
			add(stream.Record{AppendTime: rec.AppendTime, Input: &schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: a}}})
		}
		offset := add(rec)
		if a := rec.Input.GetConfigActivated(); a != nil {
			a = a.CloneVT()
			a.RepeatOf = &offset
			activations = append(activations, a)
		}
	}
	return with
}

// manyOrgs has one version of rules for each of many orgs.
func manyOrgs(n int) (h history) {
	for i := range n {
		h.orgs = append(h.orgs, newOrgConfig(sla.Rules{ID: fmt.Sprintf("org-%03d", i)}))
	}
	return h
}

// partition is one without Kafka that tells what it appends to its own input.
type partition struct {
	t      *testing.T
	h      history
	store  *store.Store
	task   *stream.Task
	offset int64
}

func newPartition(t *testing.T, h history) *partition {
	t.Helper()
	s, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	p := &partition{t: t, h: h, store: s}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	p.restart()
	t.Cleanup(func() { p.check(p.task.Close()) })
	return p
}

func (p *partition) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// restart begins anew with the committed state.
func (p *partition) restart() {
	p.t.Helper()
	if p.task != nil {
		p.check(p.task.Close())
	}
	task, err := stream.NewTask(stream.TaskConfig{Partitions: 1, Store: p.store.Partition(0), Handler: newHandler(p.t, p.h)})
	p.check(err)
	p.task = task
}

// apply applies an input in a transaction of its own, and returns what the
// partition appends to its input for it.
func (p *partition) apply(in *schemas.InputRecord, at int64) (own []*schemas.ConfigActivated) {
	p.t.Helper()
	p.check(p.task.Apply(stream.Record{Offset: p.offset, AppendTime: at, Input: in}))
	p.offset++
	_, err := p.task.Flush()
	p.check(err)
	outputs := p.task.Outputs()
	p.check(p.task.Commit(p.offset))
	for _, o := range outputs {
		in := &schemas.InputRecord{}
		if !o.OwnInput() {
			p.t.Fatalf("a record on %s", o.Topic.Suffix)
		}
		p.check(in.UnmarshalVT(o.Value))
		own = append(own, in.GetConfigActivated())
	}
	return own
}

func (p *partition) tick(at int64) []*schemas.ConfigActivated {
	p.t.Helper()
	return p.apply(&schemas.InputRecord{Kind: &schemas.InputRecord_Tick{Tick: &schemas.Tick{ClockMs: at}}}, at)
}

// TestRepeatedDaily: each version in force is repeated once a day, so many a tick,
// whether or not the partition has moved in between.
func TestRepeatedDaily(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		t.Run(fmt.Sprintf("restarted %v", restarted), func(t *testing.T) {
			h := manyOrgs(250)
			p := newPartition(t, h)
			for _, c := range h.orgs {
				p.apply(activationOf(c), 0)
			}
			var got []int
			for _, at := range []int64{0, 1, 2, day, day + 1, day + 2, day + 3, 2*day - 1, 2 * day, 2*day + 1, 2*day + 2} {
				if restarted {
					p.restart()
				}
				repeats := p.tick(genEpoch + at)
				got = append(got, len(repeats))
				for _, a := range repeats {
					i := slices.IndexFunc(h.orgs, func(c orgConfig) bool { return c.rules.ID == a.OrgId })
					if a.Version != h.orgs[i].version || a.RepeatOf == nil || *a.RepeatOf != int64(i) {
						t.Errorf("org %d is repeated as %v", i, a)
					}
				}
			}
			// The first ticks give each 100 their time.
			want := []int{0, 0, 0, 100, 100, 50, 0, 0, 100, 100, 50}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("repeats by tick (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReplacedVersionIsCorrected: the log begins with a repeat of what had been
// replaced; the partition has said what is in force at once, and the reader follows.
func TestReplacedVersionIsCorrected(t *testing.T) {
	var h history
	for _, zone := range []string{"Europe/Berlin", "UTC"} {
		h.orgs = append(h.orgs, newOrgConfig(sla.Rules{ID: "acme", Timezone: zone}))
	}
	stale := activationOf(h.orgs[0])
	stale.GetConfigActivated().RepeatOf = new(int64(0))

	owner := newPartition(t, h)
	owner.apply(activationOf(h.orgs[0]), 0)
	owner.tick(genEpoch)
	owner.apply(activationOf(h.orgs[1]), genEpoch)
	owner.apply(stale, genEpoch)
	correction := owner.tick(genEpoch + 1)
	if len(correction) != 1 || correction[0].Version != h.orgs[1].version {
		t.Fatalf("corrected by %v", correction)
	}
	if again := owner.tick(genEpoch + 2); len(again) != 0 {
		t.Errorf("corrected again by %v", again)
	}

	reader := newPartition(t, h)
	reader.offset = owner.offset
	reader.apply(stale, genEpoch)
	reader.apply(&schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: correction[0]}}, genEpoch+1)
	reader.tick(genEpoch + 2)
	if got := reader.tick(genEpoch + 2 + day); len(got) != 1 || got[0].Version != h.orgs[1].version {
		t.Errorf("the reader has %v in force", got)
	}
}

// TestRepeatsOutliveRetention deletes the activation from the log and all state: a
// processor that begins there still has the rules.
func TestRepeatsOutliveRetention(t *testing.T) {
	c := newOrgConfig(sla.Rules{ID: "acme", Timezone: "UTC", Policies: []sla.Policy{{Name: "all", Objectives: []sla.Objective{
		{Objective: sla.Reply, Hours: sla.HoursAlways, Tiers: []sla.Tier{{At: *duration(hour), Kind: sla.KindWarning}}},
	}}}})
	h := history{orgs: []orgConfig{c}}
	before := h
	for _, at := range []int64{0, day} {
		before.moments = append(before.moments, moment{at: genEpoch + at, until: true})
	}
	after := h
	begun := genEpoch + day + hour
	after.moments = []moment{
		{at: begun, input: &schemas.InputRecord{Kind: &schemas.InputRecord_Event{Event: &schemas.ConversationEvent{
			OrgId: "acme", ConversationId: "c", Topic: schemas.EventTopic_EVENT_TOPIC_CUSTOMER_START, EventTimeMs: begun,
			SessionId: "s", MediaType: "email", Direction: "inbound",
		}}}},
		{at: begun + 2*hour, until: true},
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	whole := h
	whole.moments = append(slices.Clone(before.moments), after.moments...)
	want, log := whole.recorded(t)
	_, first := before.recorded(t)
	p := &player{
		scenario: scenario{history: h, partitions: 1, runners: 1, interval: time.Millisecond, maxRecords: 10_000},
		t:        t, cluster: cluster, fs: crashfs.New(), at: time.UnixMilli(begun),
	}
	p.admin = kadm.NewClient(p.client())
	p.createTopics()
	p.append(first)
	p.live(life{until: 100, end: endStop, turn: "nothing"})

	// The group, its state and everything before its repeats are gone.
	input, changelog := schemas.ConversationEvents.Name(""), schemas.SLAChangelog.Name("")
	forget(p.ctx(), t, p.admin, input, int64(len(first)), changelog)
	p.fs, p.at = crashfs.New(), time.UnixMilli(log[len(log)-1].AppendTime)
	p.append(log[len(first):])
	p.live(life{until: 100, end: endStop, turn: "nothing"})
	if diff := cmp.Diff(byConversation(t, want), byConversation(t, p.committed())); diff != "" || len(want) == 0 {
		t.Errorf("(-replay of the whole log +processor on the rest of it):\n%s", diff)
	}
}

func forget(ctx context.Context, t *testing.T, admin *kadm.Client, input string, before int64, changelog string) {
	t.Helper()
	// A static member stays in its group when it stops.
	if _, err := admin.LeaveGroup(ctx, kadm.LeaveGroup("g").InstanceIDs("g-test-0")); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteGroup(ctx, "g"); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteTopic(ctx, changelog); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CreateTopic(ctx, 1, 1, map[string]*string{"cleanup.policy": new("compact")}, changelog); err != nil {
		t.Fatal(err)
	}
	offsets := make(kadm.Offsets)
	offsets.AddOffset(input, 0, before, -1)
	deleted, err := admin.DeleteRecords(ctx, offsets)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestBothPartsAreRepeated: schedules outlive retention as rules do, each with the
// offset of its own activation, and what has replaced a version of the one takes
// nothing from the other.
func TestBothPartsAreRepeated(t *testing.T) {
	rules := newOrgConfig(sla.Rules{ID: "acme", Calendars: map[string]calendar.Config{"office": {ScheduleGroupID: "g-office"}}})
	h := history{orgs: []orgConfig{rules}, schedules: make(map[schemas.OrgConfigKey][]byte)}
	schedules := func(minutes int) *schemas.InputRecord {
		data, err := calendar.Groups{"g-office": {TimeZone: "UTC", OpenSchedules: []calendar.Schedule{
			{Start: "2026-01-05T00:00", End: fmt.Sprintf("2026-01-05T00:%d", minutes), RRule: "FREQ=DAILY"},
		}}}.JSON()
		if err != nil {
			t.Fatal(err)
		}
		a := &schemas.ConfigActivated{OrgId: "acme", Part: schemas.PartSchedules, Version: schemas.ContentVersion(data)}
		h.schedules[schemas.OrgConfigKey{Org: a.OrgId, Part: a.Part, Version: a.Version}] = data
		return &schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: a}}
	}
	old, current := schedules(10), schedules(20)
	p := newPartition(t, h)
	for _, in := range []*schemas.InputRecord{old, activationOf(rules), current} {
		p.apply(in, genEpoch)
	}
	p.tick(genEpoch)
	p.restart()
	want := []string{
		"rules " + rules.version + " of 1",
		"schedules " + current.GetConfigActivated().Version + " of 2",
	}
	check := func(want []string, repeats []*schemas.ConfigActivated) {
		t.Helper()
		var got []string
		for _, a := range repeats {
			got = append(got, fmt.Sprintf("%s %s of %d", a.Part, a.Version, a.GetRepeatOf()))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	check(want, p.tick(genEpoch+day))
	check(nil, p.tick(genEpoch+day+1))

	// The log repeats schedules that have been replaced: those in force are said again.
	old.GetConfigActivated().RepeatOf = new(int64(0))
	p.apply(old, genEpoch+day+2)
	check(want[1:], p.tick(genEpoch+day+3))
}
