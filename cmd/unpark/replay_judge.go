package main

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"time"

	"unpark/clock"
	"unpark/config"
	"unpark/connectors/eventbridge"
	"unpark/processor"
	"unpark/processor/replay"
	"unpark/processor/stream"
	"unpark/schemas"
)

// judge applies a history to the rules of one folder, as one partition, on all
// cores.
type judge struct {
	side   *side
	rules  fileRules
	keep   eventbridge.Keeper
	driver *replay.Sharded
}

// decoded is more conversations than a batch of a replay has: most are touched by
// many facts of it.
const decoded = 1 << 20

// maxShards bounds how many cores judge: each goes through the times of all events.
const maxShards = 16

// newJudge puts the folder's rules in force, as config apply would before the
// first event.
func newJudge(ctx context.Context, orgs []config.Org, s *side, stderr io.Writer) (*judge, error) {
	rules, err := newFileRules(orgs)
	if err != nil {
		return nil, err
	}
	cfg := processor.Config{
		Rules: processor.NewRulesWithoutChecks(rules), Metrics: processor.NewMetrics(nil),
		Logger: slog.New(slog.NewTextHandler(stderr, nil)), Decoded: decoded,
	}
	var handlers []stream.Handler
	for range min(runtime.GOMAXPROCS(0), maxShards) {
		handlers = append(handlers, processor.NewHandler(ctx, cfg))
	}
	driver := replay.NewSharded(handlers, s.take)
	for _, in := range rules.activations() {
		if err := driver.Apply(in); err != nil {
			return nil, err
		}
	}
	return &judge{side: s, rules: rules, keep: rules.keeper(), driver: driver}, nil
}

// pipe judges a fact about a conversation, whose own time is at.
func (j *judge) pipe(in *schemas.InputRecord, conversation string, at int64) error {
	return j.driver.Pipe(replay.Fact{Input: in, At: at, Conversation: conversation})
}

// end lets time go on to until, if that is not 0.
func (j *judge) end(until int64) error {
	if until != 0 {
		if err := j.driver.AdvanceTo(until); err != nil {
			return err
		}
	}
	return j.driver.Commit()
}

// loadRules loads a folder of which only the rules matter: nobody is told, nobody
// asked but for the names of queues, and brokers are looked for elsewhere.
func loadRules(ctx context.Context, dir string) (*config.Config, error) {
	cfg, problems := config.Load(dir)
	if err := problems.Err(config.AboutRoutes, config.AboutGenesys, config.AboutFuture, config.AboutProcess); err != nil {
		return nil, err
	}
	return cfg, resolveQueues(ctx, cfg, clock.Real())
}

// zonesOf returns the time zones of a folder's orgs, of which nothing else
// matters: who is judged by org-config may have none of them here.
func zonesOf(dir string) (map[string]*time.Location, error) {
	cfg, problems := config.Load(dir)
	return zones(cfg.Orgs), problems.Err(config.AboutRules, config.AboutRoutes, config.AboutGenesys, config.AboutFuture)
}

// zones returns the time zones of orgs, by id; those without one have UTC.
func zones(orgs []config.Org) map[string]*time.Location {
	zones := make(map[string]*time.Location)
	for _, o := range orgs {
		if zone, err := time.LoadLocation(o.Timezone); err == nil {
			zones[o.ID] = zone
		}
	}
	return zones
}
