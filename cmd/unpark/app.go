package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/clock"
	"unpark/config"
	"unpark/connectors/eventbridge"
	"unpark/connectors/genesys"
	"unpark/connectors/kafka"
	"unpark/connectors/notify"
	"unpark/processor"
	"unpark/processor/stream"
	"unpark/schemas"
	"unpark/secrets"
)

// Roles of a process; without --roles it has all of them.
const (
	roleBridge    = "bridge"
	roleProcessor = "processor"
	roleVerifier  = "verifier"
	roleNotifier  = "notifier"
)

var allRoles = []string{roleBridge, roleProcessor, roleVerifier, roleNotifier}

// settings is what an app is built from.
type settings struct {
	config   *config.Config
	roles    []string
	clock    clock.Clock
	feed     <-chan []byte   // raw envelopes, read by the bridge beside its sources
	terminal notify.Notifier // what terminal routes tell
	log      *slog.Logger
	listener net.Listener // nil: no HTTP
}

// app is the whole wiring of one process:
//
//	            ┌──────────┐        ┌────────────────┐        ┌──────────┐
//	SQS, files ─► bridge   ├──┐  ┌──► runners: stream ├──┐  ┌──► notifier ├─► Slack, webhook, terminal
//	            └────┬─────┘  │  │  │  processor, sla │  │  │  └────┬─────┘
//	                 │        ▼  │  └───┬───┬────────┘  ▼  │       │
//	                 │   conversation-events│       escalations    │
//	                 │        ▲         │   │                      │
//	                 │        │   genesys-requests                 │
//	                 │  ┌─────┴────┐    │   │                      │
//	                 │  │ verifier ◄────┘   │                      │
//	                 │  └─────┬────┘        │                      │
//	                 ▼        ▼             ▼                      ▼
//	            org-config store (each role looks up what it needs of an org)
//
// The parts know topics and schemas, not each other; only this file knows all.
type app struct {
	settings
	registry *prometheus.Registry
	kafka    []kgo.Opt
	embedded *kafka.Embedded
	orgs     *followedOrgs
	pages    map[string]http.Handler // beside those of every process
	parts    []part
	closers  []func() error
}

// part is a role that runs.
type part struct {
	name  string
	run   func(context.Context) error
	ready func() error
	notes func() []string // what people should know though it is ready; nil: nothing
}

// newApp connects, checks the cluster and builds the roles. The caller runs the
// app and closes it.
func newApp(ctx context.Context, s settings) (*app, error) {
	a := &app{settings: s, registry: newRegistry()}
	for _, step := range []func(context.Context) error{a.connect, a.openOrgs, a.build} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// connect starts the embedded broker or checks the configured cluster.
func (a *app) connect(ctx context.Context) error {
	c := a.config.Process
	if len(c.Kafka.Brokers) == 0 {
		embedded, err := kafka.StartEmbedded(ctx, c.Processor.DataDir, c.Topics, a.log)
		if err != nil {
			return err
		}
		a.embedded = embedded
		a.closers = append(a.closers, embedded.Close)
		a.kafka = embedded.Options()
		a.log.Warn("no kafka.brokers configured: running on the embedded broker, good for one process on one machine",
			schemas.LogAddress, embedded.Address(), schemas.LogFile, c.Processor.DataDir)
		return nil
	}
	opts, err := kafka.Options(ctx, c.Kafka, a.resolver().Resolve)
	if err != nil {
		return err
	}
	a.kafka = opts
	return kafka.CheckCluster(ctx, a.kafka, c.Topics)
}

// openOrgs follows org-config; on the embedded broker the config files are
// applied to it first.
func (a *app) openOrgs(ctx context.Context) error {
	orgs, err := followOrgs(ctx, a.kafka, a.config.Process.Topics.Prefix, a.log)
	if err != nil {
		return err
	}
	a.orgs = orgs
	a.closers = append(a.closers, orgs.close)
	if a.embedded != nil {
		to := applier{store: orgs.Store, clock: a.clock, warn: warnings{a.log}}
		return to.apply(ctx, a.config, func(o applied) {
			a.log.Info("org file applied to the embedded broker",
				schemas.LogOrg, o.org.ID, schemas.LogFile, o.org.Name, schemas.LogVersion, o.version)
		})
	}
	a.sayMissingOrgs()
	return nil
}

// warnings logs what is written to it, line by line.
type warnings struct{ log *slog.Logger }

func (w warnings) Write(line []byte) (int, error) {
	w.log.Warn(strings.TrimSpace(string(line)))
	return len(line), nil
}

// sayMissingOrgs tells which org files have no version on org-config: with
// brokers configured only `config apply` publishes.
func (a *app) sayMissingOrgs() {
	known := a.orgs.Orgs()
	for _, o := range a.config.Orgs {
		if !slices.Contains(known, o.ID) {
			a.log.Warn("this org's file was never applied: its events are ignored until `unpark config apply`",
				schemas.LogOrg, o.ID, schemas.LogFile, o.Name)
		}
	}
	if len(known) == 0 {
		a.log.Warn("org-config holds no org: run `unpark config apply`")
	}
}

// build builds the roles that the process has, in the order of the way of an
// event.
func (a *app) build(ctx context.Context) error {
	for _, role := range []struct {
		name  string
		build func(context.Context) error
	}{
		{roleBridge, a.buildBridge}, {roleProcessor, a.buildProcessor}, {roleVerifier, a.buildVerifier}, {roleNotifier, a.buildNotifier},
	} {
		if !slices.Contains(a.roles, role.name) {
			continue
		}
		if err := role.build(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) buildBridge(ctx context.Context) error {
	if len(a.config.Process.Bridge.Sources) == 0 && a.feed == nil {
		a.log.Warn("bridge.sources names no source: this process reads no events")
	}
	b, err := eventbridge.New(ctx, a.config.Process.Bridge, eventbridge.Deps{
		Kafka: a.kafka, Prefix: a.config.Process.Topics.Prefix, Clock: a.clock, Logger: a.component(roleBridge),
		Registerer: a.registry, Keep: keepAttributes(a.orgs.Store), Feed: a.feed,
	})
	if err != nil {
		return err
	}
	a.parts = append(a.parts, part{name: roleBridge, run: b.Run, ready: b.Ready})
	return nil
}

func (a *app) buildProcessor(ctx context.Context) error {
	c := a.config.Process
	handlers := processor.Config{
		Rules: processor.NewRules(a.orgs.Store), Metrics: processor.NewMetrics(a.registry), Logger: a.component(roleProcessor),
	}
	lookups := context.WithoutCancel(ctx)
	runners, err := stream.New(stream.Config{
		Kafka: a.kafka, Prefix: c.Topics.Prefix, Instance: c.Processor.Instance, Runners: c.Processor.Runners,
		DataDir: c.Processor.DataDir, CommitInterval: time.Duration(c.Processor.CommitInterval),
		Clock: a.clock, Logger: a.component(roleProcessor), Registerer: a.registry,
		Embedded: a.embedded != nil || c.Topics.Simulated,
	}, func(int32) stream.Handler { return processor.NewHandler(lookups, handlers) })
	if err != nil {
		return err
	}
	a.parts = append(a.parts, part{name: roleProcessor, run: runners.Run, ready: runners.Ready})
	return nil
}

func (a *app) buildVerifier(context.Context) error {
	v, err := genesys.NewVerifier(genesys.Deps{
		Kafka: a.kafka, Prefix: a.config.Process.Topics.Prefix, Clock: a.clock, Logger: a.component(roleVerifier), Metrics: a.registry,
		Configs: a.orgs.Store, Schedules: scheduleConfigs{a.orgs.Store, a.clock}, Resolve: a.resolver().Resolve, Keep: keepAttributes(a.orgs.Store),
		States: func(ctx context.Context, org string) (map[string][]byte, error) {
			return readOrgStates(ctx, a.kafka, a.config.Process.Topics.Prefix, org)
		},
	})
	if err != nil {
		return err
	}
	a.parts = append(a.parts, part{name: roleVerifier, run: v.Run, ready: v.Ready})
	return nil
}

func (a *app) buildNotifier(context.Context) error {
	client := newClient()
	resolve := a.resolver().Resolve
	d, err := notify.New(a.config.Process.Notifier, notify.Deps{
		Kafka: a.kafka, Prefix: a.config.Process.Topics.Prefix, Instance: a.config.Process.Processor.Instance,
		Dir:   filepath.Join(a.config.Process.Processor.DataDir, "notifier"),
		Clock: a.clock, Log: a.component(roleNotifier), Metrics: a.registry,
		Configs: routeConfigs{a.orgs.Store},
		Build:   destinations{client: client, resolve: resolve, terminal: a.terminal}.build,
	})
	if err != nil {
		return err
	}
	a.parts = append(a.parts, part{name: roleNotifier, run: d.Run, ready: d.Ready, notes: d.Notes})
	a.buildInteractions(d.Interact)
	return nil
}

func (a *app) component(name string) *slog.Logger { return a.log.With(schemas.LogComponent, name) }

func (a *app) resolver() secrets.Resolver { return secrets.Resolver{Dir: a.config.Process.SecretsDir} }
