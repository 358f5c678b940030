package orgconfig

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"unpark/clock"
	"unpark/schemas"
)

const (
	acme       = "32aa07aa-0000-4000-8000-9483601ec29d"
	other      = "0f1e0000-0000-4000-8000-000000000000"
	partitions = 3
)

var (
	eventsTopic = schemas.ConversationEvents.Name("unpark.")
	configTopic = schemas.OrgConfig.Name("unpark.")
)

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func broker(t *testing.T, topics ...kfake.Opt) []kgo.Opt {
	t.Helper()
	// Registered before the broker's end, so it runs after it.
	t.Cleanup(func() { goleak.VerifyNone(t) })
	c, err := kfake.NewCluster(append(topics, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}
}

func unparkTopics() []kfake.Opt {
	return []kfake.Opt{kfake.SeedTopics(partitions, eventsTopic), kfake.SeedTopics(1, configTopic)}
}

// open returns a store whose Run goes on until the test ends.
func open(t *testing.T, opts []kgo.Opt) *Store {
	t.Helper()
	s, err := New(Deps{Kafka: opts, Prefix: "unpark.", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(context.Background()) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

func write(t *testing.T, opts []kgo.Opt, key string, value []byte) {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.DefaultProduceTopic(configTopic))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(testContext(t), &kgo.Record{Key: []byte(key), Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func publish(t *testing.T, s *Store, org, part, content string) (version string, changed bool) {
	t.Helper()
	version, changed, err := s.Publish(testContext(t), org, part, []byte(content), clock.Real())
	if err != nil {
		t.Fatal(err)
	}
	return version, changed
}

func wantNewest(t *testing.T, s *Store, org, content string) {
	t.Helper()
	if err := s.Synced(testContext(t)); err != nil {
		t.Fatal(err)
	}
	got, version, ok := s.NewestRules(org)
	if string(got) != content || ok != (content != "") {
		t.Errorf("newest rules of %s: %q, %v, want %q", org, got, ok, content)
	}
	if ok && version != schemas.ContentVersion(got) {
		t.Errorf("newest version of %s: %s, want the content's", org, version)
	}
}

func TestPublishAndFollow(t *testing.T) {
	opts := broker(t, unparkTopics()...)
	s, follower := open(t, opts), open(t, opts)

	wantNewest(t, s, acme, "")
	v1, changed := publish(t, s, acme, schemas.PartRules, `{"n":1}`)
	if !changed {
		t.Error("first version: not changed")
	}
	publish(t, s, acme, schemas.PartSchedules, `{"s":1}`)
	v2, _ := publish(t, s, acme, schemas.PartRules, `{"n":2}`)
	publish(t, s, other, schemas.PartRules, `{"n":3}`)
	wantNewest(t, s, acme, `{"n":2}`)

	// Another process sees the same, the older version as well.
	wantNewest(t, follower, acme, `{"n":2}`)
	if at, ok := follower.Published(schemas.OrgConfigKey{Org: acme, Part: schemas.PartRules, Version: v1}); !ok || at.IsZero() {
		t.Errorf("Published(%s) = %v, %v", v1, at, ok)
	}
	if at, ok := follower.Published(schemas.OrgConfigKey{Org: acme, Part: schemas.PartRules, Version: "none"}); ok {
		t.Errorf("Published(none) = %v", at)
	}
	if diff := cmp.Diff([]string{other, acme}, follower.Orgs()); diff != "" {
		t.Errorf("Orgs (-want +got):\n%s", diff)
	}
	for version, want := range map[string]string{v1: `{"n":1}`, v2: `{"n":2}`, "none": ""} {
		got, ok, err := follower.Rules(testContext(t), acme, version)
		if err != nil || string(got) != want || ok != (want != "") {
			t.Errorf("Rules(%s) = %q, %v, %v, want %q", version, got, ok, err, want)
		}
	}

	if _, changed := publish(t, follower, acme, schemas.PartRules, `{"n":2}`); changed {
		t.Error("the same again: changed")
	}
	if v, changed := publish(t, s, acme, schemas.PartRules, `{"n":1}`); !changed || v != v1 {
		t.Errorf("back to the first version: %s, %v, want %s, changed", v, changed, v1)
	}
	wantNewest(t, follower, acme, `{"n":1}`)
}

// Get asks the brokers before it says no: the version may have been written a
// moment ago by somebody else.
func TestGetReadsToTheEnd(t *testing.T) {
	opts := broker(t, unparkTopics()...)
	s := open(t, opts)
	for i, content := range []string{"[0]", "[1]", "[2]", "[3]"} {
		key := schemas.OrgConfigKey{Org: acme, Part: schemas.PartRules, Version: schemas.ContentVersion([]byte(content))}
		write(t, opts, key.String(), []byte(content))
		if got, ok, err := s.Get(testContext(t), key); err != nil || !ok || string(got) != content {
			t.Fatalf("version %d: %q, %v, %v", i, got, ok, err)
		}
	}
}

func TestActivations(t *testing.T) {
	opts := broker(t, unparkTopics()...)
	s := open(t, opts)
	c := clock.Scaled(time.UnixMilli(1_767_225_600_000), 1)
	var version string
	for range 2 { // the second publishes what is in force, and says so again
		v, _, err := s.Publish(testContext(t), acme, schemas.PartRules, []byte("{}"), c)
		if err != nil {
			t.Fatal(err)
		}
		version = v
	}
	cl, err := kgo.NewClient(append(opts, kgo.ConsumeTopics(eventsTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	got := make(map[int32]int)
	for n := 0; n < 2*partitions; {
		cl.PollFetches(testContext(t)).EachRecord(func(r *kgo.Record) {
			n++
			got[r.Partition]++
			in := new(schemas.InputRecord)
			if err := in.UnmarshalVT(r.Value); err != nil {
				t.Fatal(err)
			}
			a := in.GetConfigActivated()
			if a.GetOrgId() != acme || a.GetPart() != schemas.PartRules || a.GetVersion() != version {
				t.Errorf("activation %v", a)
			}
			if r.Timestamp.Year() != 2026 || r.Timestamp.YearDay() != 1 {
				t.Errorf("time of the record %v, want the clock's", r.Timestamp)
			}
		})
	}
	if diff := cmp.Diff(map[int32]int{0: 2, 1: 2, 2: 2}, got); diff != "" {
		t.Errorf("activations per partition (-want +got):\n%s", diff)
	}
}

// What others wrote to the topic by hand stops nobody.
func TestPassesOverWhatIsNoVersion(t *testing.T) {
	opts := broker(t, unparkTopics()...)
	s := open(t, opts)
	version, _ := publish(t, s, acme, schemas.PartRules, `{"n":1}`)
	key := schemas.OrgConfigKey{Org: acme, Part: schemas.PartRules, Version: version}
	write(t, opts, "no key", []byte("{}"))
	write(t, opts, acme+"/rules/0123", []byte(`{"forged":true}`))
	wantNewest(t, s, acme, `{"n":1}`)

	v2, _ := publish(t, s, acme, schemas.PartRules, `{"n":2}`)
	write(t, opts, acme+"/rules/"+v2, nil)
	wantNewest(t, s, acme, `{"n":1}`)
	write(t, opts, key.String(), nil)
	wantNewest(t, s, acme, "")
}

// A transaction leaves a control record at the end of the log, which no reader
// gets to see.
func TestControlRecordAtTheEnd(t *testing.T) {
	opts := broker(t, unparkTopics()...)
	s := open(t, opts)
	cl, err := kgo.NewClient(append(opts, kgo.TransactionalID("by-hand"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	key := acme + "/rules/" + schemas.ContentVersion([]byte("{}"))
	if err := cl.ProduceSync(testContext(t), &kgo.Record{Topic: configTopic, Key: []byte(key), Value: []byte("{}")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := cl.EndTransaction(testContext(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	wantNewest(t, s, acme, "{}")
}

func TestPublishRefuses(t *testing.T) {
	s := open(t, broker(t, unparkTopics()...))
	for _, tt := range []struct{ org, part, content, err string }{
		{"", schemas.PartRules, "{}", "may be empty"},
		{"a/b", schemas.PartRules, "{}", "slash"},
		{acme, "", "{}", "may be empty"},
		{acme, schemas.PartRules, "id: x", "not JSON"},
		{acme, schemas.PartRules, `"` + strings.Repeat("x", 2<<20) + `"`, "2097154 bytes"},
	} {
		_, _, err := s.Publish(testContext(t), tt.org, tt.part, []byte(tt.content), clock.Real())
		if err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("Publish(%q, %q): %v, want %q", tt.org, tt.part, err, tt.err)
		}
	}
}

func TestMissingTopics(t *testing.T) {
	s := open(t, broker(t, kfake.SeedTopics(1, configTopic)))
	if _, _, err := s.Publish(testContext(t), acme, schemas.PartRules, []byte("{}"), clock.Real()); err == nil || !strings.Contains(err.Error(), "unpark topics create") {
		t.Errorf("without conversation-events: %v", err)
	}
}

// Waiters are not left hanging when the topic cannot be read any more.
func TestRunEnds(t *testing.T) {
	opts := broker(t, unparkTopics()...)
	s, err := New(Deps{Kafka: opts, Prefix: "unpark.", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	write(t, opts, "no key", []byte("{}"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Errorf("Run after the end of its context: %v", err)
	}
	if err := s.Synced(testContext(t)); !errors.Is(err, errNotFollowed) {
		t.Errorf("Synced = %v, want %v", err, errNotFollowed)
	}
	adm, err := kadm.NewOptClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer adm.Close()
	if _, err := adm.DeleteTopic(testContext(t), configTopic); err != nil {
		t.Fatal(err)
	}
	if err := s.Synced(testContext(t)); err == nil || !strings.Contains(err.Error(), configTopic) {
		t.Errorf("Synced without the topic: %v", err)
	}
}

func TestTopicMissing(t *testing.T) {
	s, err := New(Deps{Kafka: broker(t), Prefix: "unpark.", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Synced(testContext(t))
	if want := "topic unpark.org-config is missing; run: unpark topics create"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}
