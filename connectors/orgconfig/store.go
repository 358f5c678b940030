package orgconfig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/schemas"
)

// Deps is what a Store is built from.
type Deps struct {
	// Kafka holds the options to reach the brokers.
	Kafka []kgo.Opt
	// Prefix is that of the topics' names.
	Prefix string
	Logger *slog.Logger
}

// Store holds what org-config holds. It is safe for concurrent use. Run must be
// going for it to know anything: whoever waits for the topic waits for Run.
type Store struct {
	client   *kgo.Client
	admin    *kadm.Client
	topic    string
	events   string
	log      *slog.Logger
	versions *versions
}

// New returns a store that knows nothing yet. The caller closes it.
func New(d Deps) (*Store, error) {
	topic := schemas.OrgConfig.Name(d.Prefix)
	opts := append(d.Kafka[:len(d.Kafka):len(d.Kafka)],
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}),
		// The position counts control records, should somebody write in a
		// transaction: without them the end would never be reached.
		kgo.KeepControlRecords(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("org-config: %w", err)
	}
	return &Store{
		client:   client,
		admin:    kadm.NewClient(client),
		topic:    topic,
		events:   schemas.ConversationEvents.Name(d.Prefix),
		log:      d.Logger,
		versions: newVersions(),
	}, nil
}

// partition is the only one of org-config.
const partition = 0

// Run follows the topic until ctx ends (nil) or it can be read no more.
func (s *Store) Run(ctx context.Context) error {
	err := s.follow(ctx)
	s.versions.stop(err)
	return err
}

func (s *Store) follow(ctx context.Context) error {
	for {
		fetches := s.client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return nil
		}
		for _, e := range fetches.Errors() {
			if lost := (*kgo.ErrDataLoss)(nil); errors.As(e.Err, &lost) {
				s.log.Error("org-config was truncated", schemas.LogTopic, e.Topic, schemas.LogError, e.Err)
				continue
			}
			return fmt.Errorf("read %s/%d: %w", e.Topic, e.Partition, e.Err)
		}
		fetches.EachRecord(s.take)
	}
}

// take keeps a version. A record that is none is passed over: whoever may write
// the topic must not be able to stop everybody who reads it.
func (s *Store) take(r *kgo.Record) {
	defer s.versions.advance(r.Offset + 1)
	if r.Attrs.IsControl() {
		return
	}
	key, ok := schemas.ParseOrgConfigKey(string(r.Key))
	if !ok {
		s.log.Warn("key on org-config is none", schemas.LogTopic, r.Topic, schemas.LogOffset, r.Offset)
		return
	}
	log := s.log.With(schemas.LogOrg, key.Org, schemas.LogVersion, key.Version, schemas.LogOffset, r.Offset)
	switch {
	case r.Value == nil:
		log.Warn("version of a configuration was deleted")
		s.versions.remove(key)
	case schemas.ContentVersion(r.Value) != key.Version:
		log.Warn("version on org-config is not the hash of its content, ignored")
	default:
		log.Debug("version of a configuration")
		s.versions.put(key, entry{json: r.Value, offset: r.Offset, written: r.Timestamp})
	}
}

// Synced waits until everything is known that the topic held at the call.
func (s *Store) Synced(ctx context.Context) error {
	ends, err := s.admin.ListEndOffsets(ctx, s.topic)
	if err == nil {
		err = ends.Error()
	}
	end, ok := ends.Lookup(s.topic, partition)
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition) || err == nil && !ok:
		return fmt.Errorf("topic %s is missing; run: unpark topics create", s.topic)
	case err != nil:
		return fmt.Errorf("end of %s: %w", s.topic, err)
	}
	if err := s.versions.wait(ctx, end.Offset); err != nil {
		return fmt.Errorf("read %s up to offset %d: %w", s.topic, end.Offset, err)
	}
	return nil
}

// Get returns a version. If it is not known, Get reads up to the topic's end as
// of now before it says no.
func (s *Store) Get(ctx context.Context, key schemas.OrgConfigKey) (json []byte, ok bool, err error) {
	if json, ok := s.versions.get(key); ok {
		return json, true, nil
	}
	if err := s.Synced(ctx); err != nil {
		return nil, false, err
	}
	json, ok = s.versions.get(key)
	return json, ok, nil
}

// Rules is Get for the part rules.
func (s *Store) Rules(ctx context.Context, org, version string) (json []byte, ok bool, err error) {
	return s.Get(ctx, schemas.OrgConfigKey{Org: org, Part: schemas.PartRules, Version: version})
}

// NewestRules returns the rules of org that were written last, as far as known.
func (s *Store) NewestRules(org string) (json []byte, version string, ok bool) {
	return s.versions.newest(org, schemas.PartRules)
}

// NewestSchedules returns the content of an org's schedule groups that was written
// last, as far as known.
func (s *Store) NewestSchedules(org string) (json []byte, version string, ok bool) {
	return s.versions.newest(org, schemas.PartSchedules)
}

// Published returns when a version was written, as far as known.
func (s *Store) Published(key schemas.OrgConfigKey) (at time.Time, ok bool) {
	return s.versions.written(key)
}

// Orgs returns the ids of the orgs that have rules, sorted, as far as known.
func (s *Store) Orgs() []string { return s.versions.orgs(schemas.PartRules) }

// Close closes the connection; Run returns.
func (s *Store) Close() { s.client.Close() }
