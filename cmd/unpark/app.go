package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"unpark/clock"
	"unpark/config"
	"unpark/connectors/eventbridge"
	"unpark/connectors/kafka"
	"unpark/connectors/notify"
	"unpark/connectors/notify/slack"
	"unpark/connectors/notify/webhook"
	"unpark/connectors/orgconfig"
	"unpark/processor"
	"unpark/processor/stream"
	"unpark/schemas"
	"unpark/secrets"
)

// Roles of a process; without --roles it has all of them.
const (
	roleBridge    = "bridge"
	roleProcessor = "processor"
	roleNotifier  = "notifier"
)

var allRoles = []string{roleBridge, roleProcessor, roleNotifier}

// stopWithin bounds a graceful stop.
const stopWithin = 10 * time.Second

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
//	                 │        ▼  │  └───────┬────────┘  ▼  │       │
//	                 │   conversation-events│       escalations    │
//	                 ▼                      ▼                      ▼
//	            org-config store (each role looks up what it needs of an org)
//
// The parts know topics and schemas, not each other; only this file knows all.
type app struct {
	settings
	registry *prometheus.Registry
	kafka    []kgo.Opt
	embedded *kafka.Embedded
	orgs     *orgconfig.Store
	parts    []part
	closers  []func() error
}

// part is a role that runs.
type part struct {
	name  string
	run   func(context.Context) error
	ready func() error
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
	} else {
		opts, err := kafka.Options(ctx, c.Kafka, a.resolver().Resolve)
		if err != nil {
			return err
		}
		a.kafka = opts
		if err := kafka.CheckCluster(ctx, a.kafka, c.Topics); err != nil {
			return err
		}
	}
	return nil
}

// openOrgs follows org-config; on the embedded broker the config files are
// applied to it first.
func (a *app) openOrgs(ctx context.Context) error {
	store, stop, err := followOrgs(ctx, a.kafka, a.config.Process.Topics.Prefix, a.log)
	if err != nil {
		return err
	}
	a.orgs = store
	a.closers = append(a.closers, stop)
	if a.embedded != nil {
		return applyOrgs(ctx, store, a.config.Orgs, a.clock, func(o config.Org, version string, _ bool) {
			a.log.Info("org file applied to the embedded broker", schemas.LogOrg, o.ID, schemas.LogFile, o.Name, schemas.LogVersion, version)
		})
	}
	a.sayMissingOrgs()
	return nil
}

// sayMissingOrgs tells which org files have no version on org-config: with
// brokers configured only `config apply` publishes.
func (a *app) sayMissingOrgs() {
	known := a.orgs.Orgs()
	for _, o := range a.config.Orgs {
		if !slices.Contains(known, o.ID) {
			a.log.Warn("this org's file was never applied: its events are ignored until `unpark config apply`", schemas.LogOrg, o.ID, schemas.LogFile, o.Name)
		}
	}
	if len(known) == 0 {
		a.log.Warn("org-config holds no org: run `unpark config apply`")
	}
}

func (a *app) build(ctx context.Context) error {
	for role, build := range map[string]func(context.Context) error{
		roleBridge: a.buildBridge, roleProcessor: a.buildProcessor, roleNotifier: a.buildNotifier,
	} {
		if !slices.Contains(a.roles, role) {
			continue
		}
		if err := build(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) buildBridge(ctx context.Context) error {
	b, err := eventbridge.New(ctx, a.config.Process.Bridge, eventbridge.Deps{
		Kafka: a.kafka, Prefix: a.config.Process.Topics.Prefix, Clock: a.clock, Logger: a.component(roleBridge),
		Registerer: a.registry, Keep: keepAttributes(a.orgs), Feed: a.feed,
	})
	if err != nil {
		return err
	}
	a.parts = append(a.parts, part{roleBridge, b.Run, b.Ready})
	return nil
}

func (a *app) buildProcessor(ctx context.Context) error {
	c := a.config.Process
	handlers := processor.Config{
		Rules: processor.NewRules(a.orgs), Metrics: processor.NewMetrics(a.registry), Logger: a.component(roleProcessor),
	}
	lookups := context.WithoutCancel(ctx)
	runners, err := stream.New(stream.Config{
		Kafka: a.kafka, Prefix: c.Topics.Prefix, Instance: c.Processor.Instance, Runners: c.Processor.Runners,
		DataDir: c.Processor.DataDir, CommitInterval: time.Duration(c.Processor.CommitInterval),
		Clock: a.clock, Logger: a.component(roleProcessor), Registerer: a.registry, Embedded: a.embedded != nil,
	}, func(int32) stream.Handler { return processor.NewHandler(lookups, handlers) })
	if err != nil {
		return err
	}
	a.parts = append(a.parts, part{roleProcessor, runners.Run, runners.Ready})
	return nil
}

func (a *app) buildNotifier(context.Context) error {
	client := &http.Client{}
	resolve := a.resolver().Resolve
	d, err := notify.New(a.config.Process.Notifier, notify.Deps{
		Kafka: a.kafka, Prefix: a.config.Process.Topics.Prefix, Clock: a.clock, Log: a.component(roleNotifier), Metrics: a.registry,
		Configs: routeConfigs{a.orgs},
		Build:   destinations{client: client, resolve: resolve, terminal: a.terminal}.build,
	})
	if err != nil {
		return err
	}
	a.parts = append(a.parts, part{roleNotifier, d.Run, d.Ready})
	return nil
}

// Run runs the roles until ctx ends or one of them fails, then stops all.
func (a *app) Run(ctx context.Context) error {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	for _, p := range a.parts {
		g.Go(func() error {
			defer cancel()
			if err := p.run(running); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			return nil
		})
	}
	if a.listener != nil {
		g.Go(func() error {
			defer cancel()
			return serveHTTP(running, a.listener, a.registry, a.readiness(), a.component("http"))
		})
	}
	done := make(chan error, 1)
	go func() { done <- g.Wait() }()
	<-running.Done()
	select {
	case err := <-done:
		return err
	case <-time.After(stopWithin):
		return fmt.Errorf("not all parts stopped within %s", stopWithin)
	}
}

// Ready returns the first part that does not do its work yet.
func (a *app) Ready() error {
	for _, r := range a.readiness() {
		if err := r.ready(); err != nil {
			return fmt.Errorf("%s: %w", r.part, err)
		}
	}
	return nil
}

func (a *app) readiness() []readiness {
	var rs []readiness
	for _, p := range a.parts {
		rs = append(rs, readiness{p.name, p.ready})
	}
	return rs
}

// Close undoes what newApp did, last first.
func (a *app) Close() error {
	var errs []error
	for _, c := range slices.Backward(a.closers) {
		errs = append(errs, c())
	}
	a.closers = nil
	return errors.Join(errs...)
}

func (a *app) component(name string) *slog.Logger { return a.log.With(schemas.LogComponent, name) }

func (a *app) resolver() secrets.Resolver { return secrets.Resolver{Dir: a.config.Process.SecretsDir} }

// destinations chooses the notifier of a destination.
type destinations struct {
	client   *http.Client
	resolve  func(ref string) (string, error)
	terminal notify.Notifier
}

func (d destinations) build(dest notify.Destination) (notify.Notifier, error) {
	switch {
	case dest.Slack != nil:
		return slack.New(*dest.Slack, d.resolve, d.client), nil
	case dest.Webhook != nil:
		return webhook.New(*dest.Webhook, d.resolve, d.client), nil
	case dest.Terminal != nil:
		return d.terminal, nil
	}
	return nil, errors.New("a destination of no known form")
}
