package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/connectors/orgconfig"
	"unpark/processor/sla"
	"unpark/schemas"
)

// followedOrgs is org-config, followed by a goroutine of its own until close.
type followedOrgs struct {
	*orgconfig.Store
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // once ended
}

// followOrgs opens org-config, read to its end.
func followOrgs(ctx context.Context, opts []kgo.Opt, prefix string, log *slog.Logger) (*followedOrgs, error) {
	store, err := orgconfig.New(orgconfig.Deps{Kafka: opts, Prefix: prefix, Logger: log.With(schemas.LogComponent, "org-config")})
	if err != nil {
		return nil, err
	}
	follow, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &followedOrgs{Store: store, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		f.err = store.Run(follow)
	}()
	if err := store.Synced(ctx); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// watch returns why org-config cannot be followed any more, or nil when ctx
// ends: to go on with configurations that grow old in silence would be worse
// than to stop.
func (f *followedOrgs) watch(ctx context.Context) error {
	select {
	case <-f.ended:
		return f.err
	case <-ctx.Done():
		return nil
	}
}

func (f *followedOrgs) close() error {
	f.cancel()
	<-f.ended
	f.Close()
	return f.err
}

// routeConfigs is the org-config store as the notifier looks at it.
type routeConfigs struct{ *orgconfig.Store }

func (c routeConfigs) NewestRules(org string) ([]byte, bool) {
	data, _, ok := c.Store.NewestRules(org)
	return data, ok
}

func (c routeConfigs) NewestSchedules(org string) ([]byte, bool) {
	data, _, ok := c.Store.NewestSchedules(org)
	return data, ok
}

// scheduleConfigs is the org-config store as the schedule sync writes to it.
type scheduleConfigs struct {
	*orgconfig.Store
	clock clock.Clock
}

func (c scheduleConfigs) PublishSchedules(ctx context.Context, org string, content []byte) (version string, err error) {
	version, _, err = c.Publish(ctx, org, schemas.PartSchedules, content, c.clock)
	return version, err
}

// newestRules finds the newest version of an org's rules.
type newestRules interface {
	NewestRules(org string) (json []byte, version string, ok bool)
}

// keepAttributes tells the bridge which attributes of an org's conversations the
// clocks need: those that the newest rules list or match on.
func keepAttributes(rules newestRules) func(org string) (attributes []string, known bool) {
	type kept struct {
		version string
		keys    []string
	}
	var mu sync.Mutex
	cache := make(map[string]kept)
	return func(org string) ([]string, bool) {
		data, version, ok := rules.NewestRules(org)
		if !ok {
			return nil, false
		}
		mu.Lock()
		defer mu.Unlock()
		if k, ok := cache[org]; ok && k.version == version {
			return k.keys, true
		}
		k := kept{version: version, keys: attributesOf(data)}
		cache[org] = k
		return k.keys, true
	}
}

func attributesOf(rules []byte) []string {
	var r sla.Rules
	if json.Unmarshal(rules, &r) != nil {
		return nil // the processor refuses this version and says so
	}
	return r.KeptAttributes()
}
