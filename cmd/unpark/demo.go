package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"unpark/clock"
	"unpark/config"
	"unpark/connectors/notify"
	"unpark/processor/sla"
	"unpark/schemas"
)

type demoFlags struct {
	speed         float64
	seed          uint64
	conversations int
	json          bool
}

func demoCommand() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a scripted contact centre: everything in one process, four hours in half a minute",
		Long: `Plays a working day of a small contact centre on a scaled clock, through the real
bridge, processor, verifier and notifier on an embedded broker in a temporary folder. Needs
nothing but this program.`,
		Example: "  unpark demo\n  unpark demo --conversations 100 --speed 1200 --seed 7\n  unpark demo --json",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			if f.speed <= 0 || f.speed > maxDemoSpeed || f.conversations < 1 || f.conversations > maxDemoConversations {
				return usageError{fmt.Errorf("--speed must be above 0 and at most %d, --conversations 1 to %d", maxDemoSpeed, maxDemoConversations)}
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelError}))
			return runDemo(cmd.Context(), f, newDemoPrinter(cmd.OutOrStdout(), f.json), log)
		}),
	}
	cmd.Flags().Float64Var(&f.speed, "speed", 720, "how many times as fast as the wall clock")
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "equal seeds play equal days")
	cmd.Flags().IntVar(&f.conversations, "conversations", 30, "number of conversations")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON Lines")
	return cmd
}

const (
	maxDemoSpeed         = 3600 // an hour in a second: ticks still come every few seconds of the day
	maxDemoConversations = 5000
	demoDay              = "2026-03-02T08:45:00Z"
	// demoPatience is how long the demo waits for what is still on its way.
	demoPatience = 20 * time.Second
)

// runDemo plays the day and returns an error if unpark did not say what the
// script has it say.
func runDemo(ctx context.Context, f demoFlags, out *demoPrinter, log *slog.Logger) (err error) {
	dir, err := os.MkdirTemp("", "unpark-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	opened, err := time.Parse(time.RFC3339, demoDay)
	if err != nil {
		return err
	}
	clk := clock.Scaled(opened, f.speed)
	feed := make(chan []byte)
	a, err := newApp(ctx, settings{
		config: demoConfig(dir), roles: allRoles, clock: clk, feed: feed, terminal: out, log: log,
	})
	if err != nil && ctx.Err() != nil {
		out.stopped()
		return nil
	}
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	g.Go(func() error { defer stop(); return a.Run(running) })
	g.Go(func() error { defer stop(); return playDemo(running, a, f, clk, feed, out) })
	err = g.Wait()
	if ctx.Err() != nil {
		out.stopped()
		err = nil
	}
	return errors.Join(err, a.Close())
}

func demoConfig(dir string) *config.Config {
	c := &config.Config{Process: config.DefaultProcess()}
	c.Process.Processor.Instance = "demo"
	c.Process.Processor.DataDir = dir
	c.Process.Processor.CommitInterval = schemas.Duration(10 * time.Millisecond) // minutes of the day
	c.Process.Topics.Partitions = 4
	c.Orgs = []config.Org{{
		Name: "demo", Rules: sla.Rules{ID: demoOrg},
		Routes: notify.Routes{"default": {To: []notify.Destination{{Terminal: &notify.TerminalConfig{}}}}},
	}}
	return c
}

// playDemo delivers the day's envelopes when their time comes, and waits until
// all that follows has been told.
func playDemo(ctx context.Context, a *app, f demoFlags, clk clock.Clock, feed chan<- []byte, out *demoPrinter) error {
	defer close(feed)
	heard, err := listen(ctx, a)
	if err != nil {
		return err
	}
	defer heard.close()
	if err := waitReady(ctx, a); err != nil {
		return err
	}
	const round = 5 * time.Minute
	script := newDemoScript(f.seed, f.conversations, clk.Now().Add(round).Truncate(round))
	out.opening(script, f)
	for _, s := range script.Scenes {
		if !waitUntil(ctx, clk, s.At) {
			return nil
		}
		out.scene(s)
		select {
		case feed <- s.Envelope:
		case <-ctx.Done():
			return nil
		}
	}
	if !waitUntil(ctx, clk, script.End) {
		return nil
	}
	if err := heard.wait(ctx, total(script.Expected)); err != nil {
		return err
	}
	return out.summary(script, heard.counts())
}

// waitUntil waits until the clock shows t; it returns false if ctx ends before.
func waitUntil(ctx context.Context, clk clock.Clock, t time.Time) bool {
	wait := time.NewTimer(clk.Wall(t.Sub(clk.Now())))
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// waitReady waits until every part of the app does its work.
func waitReady(ctx context.Context, a *app) error {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		if a.Ready() == nil {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return nil
		}
	}
}
