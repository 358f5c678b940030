package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"

	"unpark/config"
	"unpark/connectors/eventbridge"
	"unpark/processor"
	"unpark/processor/replay"
	"unpark/processor/sla"
	"unpark/processor/stream"
)

// explainFiles explains a conversation as a replay of files has it at until, or
// after the last envelope if that is 0.
func explainFiles(ctx context.Context, f explainFlags, until int64, conversation string) (list []sla.Explanation, orgs map[string]config.Org, err error) {
	cfg, err := loadRules(ctx, f.config)
	if err != nil {
		return nil, nil, err
	}
	rules, err := newFileRules(cfg.Orgs)
	if err != nil {
		return nil, nil, err
	}
	e := explainer{rules: processor.NewRulesWithoutChecks(rules), orgs: make(map[string]config.Org)}
	for _, o := range cfg.Orgs {
		e.orgs[o.ID] = o
	}
	files, err := openAll(f.events)
	if err != nil {
		return nil, nil, err
	}
	defer files.close()
	state, err := replayStates(ctx, files, rules, e.rules, until, conversation)
	if err != nil {
		return nil, nil, err
	}
	list, err = e.explain(ctx, []*partitionStates{state}, conversation, f.org)
	return list, e.orgs, err
}

// replayStates replays the files up to until and keeps what concerns the
// conversation.
func replayStates(ctx context.Context, files inputs, rules fileRules, compiled *processor.Rules, until int64, conversation string) (p *partitionStates, err error) {
	handler := processor.NewHandler(ctx, processor.Config{
		Rules: compiled, Metrics: processor.NewMetrics(nil), Logger: slog.New(slog.DiscardHandler),
	})
	driver, err := replay.New(handler, func(stream.Output) error { return nil })
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, driver.Close()) }()
	for _, in := range rules.activations() {
		if err := driver.Apply(in); err != nil {
			return nil, err
		}
	}
	limit := int64(math.MaxInt64)
	if until != 0 {
		limit = until
	}
	for _, file := range files {
		more, err := pipeUntil(ctx, driver, file, keepAttributes(rules), limit)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	if until != 0 {
		err = driver.AdvanceTo(until)
	}
	if err = errors.Join(err, driver.Commit()); err != nil {
		return nil, err
	}
	p = newPartitionStates()
	scanned := driver.State(func(key, value []byte) bool {
		err = p.learn(key, value, conversation)
		return err == nil
	})
	p.now = driver.Now()
	return p, errors.Join(err, scanned)
}

// pipeUntil applies the envelopes of a file up to the first whose own time is after
// limit; more is false if there was one. What stands behind it came later, whatever
// its own time: by then a replay has let time go on. What cannot be used is passed
// over: `replay` reports it.
func pipeUntil(ctx context.Context, driver *replay.Driver, file input, keep eventbridge.Keeper, limit int64) (more bool, err error) {
	lines, decoder := eventbridge.NewLines(file), eventbridge.NewDecoder(keep)
	for lines.Next() {
		if lines.Number()%linesAtOnce == 0 && ctx.Err() != nil {
			return false, errors.New("interrupted")
		}
		decoded, unusable := decodeLine(decoder, lines.Bytes(), lines.TooLong())
		if unusable != nil {
			continue
		}
		if decoded.EventTime > limit {
			return false, nil
		}
		if err := driver.Pipe(decoded.Input, decoded.EventTime); err != nil {
			return false, fmt.Errorf("%s:%d: %w", file.name, lines.Number(), err)
		}
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("%s:%d: %w", file.name, lines.Number(), err)
	}
	return true, nil
}
