package orgconfig

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/schemas"
)

// Publish puts content in force as org's part: it writes the version unless the
// newest is this one already, waits until the brokers hold it, and then writes
// ConfigActivated to every partition of conversation-events.
//
// The activations are written even if the version is not new (changed is
// false): an earlier call may have failed between the two, and activating what
// is active changes nothing. So Publish is repeated until it succeeds.
func (s *Store) Publish(ctx context.Context, org, part string, content []byte, c clock.Clock) (version string, changed bool, err error) {
	key := schemas.OrgConfigKey{Org: org, Part: part, Version: schemas.ContentVersion(content)}
	if parsed, ok := schemas.ParseOrgConfigKey(key.String()); !ok || parsed != key {
		return "", false, fmt.Errorf("publish configuration: org %q, part %q: neither may be empty or hold a slash", org, part)
	}
	if !json.Valid(content) {
		return "", false, fmt.Errorf("publish %s of org %s: not JSON", part, org)
	}
	if err := s.Synced(ctx); err != nil {
		return "", false, fmt.Errorf("publish %s of org %s: %w", part, org, err)
	}
	_, newest, _ := s.versions.newest(org, part)
	if changed = newest != key.Version; changed {
		if err := s.write(ctx, key, content, c); err != nil {
			return "", false, fmt.Errorf("publish %s of org %s: %w", part, org, err)
		}
	}
	if err := s.activate(ctx, key, c); err != nil {
		return "", changed, fmt.Errorf("activate %s of org %s: %w", part, org, err)
	}
	return key.Version, changed, nil
}

// write returns when the version is on the brokers and known here, so that
// publishing another one afterwards compares with it.
func (s *Store) write(ctx context.Context, key schemas.OrgConfigKey, content []byte, c clock.Clock) error {
	r := &kgo.Record{
		Topic: s.topic, Partition: partition,
		Key: []byte(key.String()), Value: content, Timestamp: c.Now(),
	}
	if err := s.client.ProduceSync(ctx, r).FirstErr(); err != nil {
		return fmt.Errorf("write %s (%d bytes): %w", s.topic, len(content), err)
	}
	return s.versions.wait(ctx, r.Offset+1)
}

func (s *Store) activate(ctx context.Context, key schemas.OrgConfigKey, c clock.Clock) error {
	topics, err := s.admin.ListTopics(ctx, s.events)
	if err != nil {
		return fmt.Errorf("partitions of %s: %w", s.events, err)
	}
	detail, ok := topics[s.events]
	if !ok || detail.Err != nil {
		return fmt.Errorf("partitions of %s: the topic is not there; run: unpark topics create", s.events)
	}
	value, err := activation(key).MarshalVT()
	if err != nil {
		return fmt.Errorf("encode activation: %w", err)
	}
	var records []*kgo.Record
	for _, p := range detail.Partitions.Numbers() {
		records = append(records, &kgo.Record{
			Topic: s.events, Partition: p,
			Key: []byte(key.Org), Value: value, Timestamp: c.Now(),
		})
	}
	if err := s.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("write %s: %w", s.events, err)
	}
	return nil
}

func activation(key schemas.OrgConfigKey) *schemas.InputRecord {
	return &schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: &schemas.ConfigActivated{
		OrgId: key.Org, Part: key.Part, Version: key.Version,
	}}}
}
