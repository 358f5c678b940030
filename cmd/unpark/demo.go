package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"unpark/clock"
	"unpark/internal/lockstep"
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
		Short: "Watch a simulated contact centre: everything in one process, six hours in half a minute",
		Long: `Plays a working day of a small contact centre on a hurried clock. The organisation is
simulated, with the API and the events of Genesys; what watches it is real: bridge, processor,
verifier and notifier, on an embedded broker in a temporary folder. Needs nothing but this
program. The clock waits for what is too slow to follow, so that a busy machine plays the
same day. Exit code 1: what was told is not what the organisation knows to be so.`,
		Example: "  unpark demo\n  unpark demo --conversations 100 --speed 1200 --seed 7\n  unpark demo --json",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			if math.IsNaN(f.speed) || f.speed < 1 || f.speed > maxDemoSpeed || f.conversations < 1 || f.conversations > maxDemoConversations {
				return usageError{fmt.Errorf("--speed must be 1 to %d, --conversations 1 to %d", maxDemoSpeed, maxDemoConversations)}
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelError}))
			return runDemo(cmd.Context(), f, newDemoPrinter(cmd.OutOrStdout(), f.json), log)
		}),
	}
	cmd.Flags().Float64Var(&f.speed, "speed", 720, "how many times as fast as the wall clock, at most")
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "equal seeds play equal days")
	cmd.Flags().IntVar(&f.conversations, "conversations", 30, "number of conversations")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON Lines")
	return cmd
}

const (
	maxDemoSpeed         = 3600 // an hour in a second: ticks still come every few seconds of the day
	maxDemoConversations = 5000
	// demoPatience is how long the demo waits for what is still on its way.
	demoPatience = 20 * time.Second
	// demoLeash is how far the clock may run ahead of unpark.
	demoLeash = 2 * time.Minute
)

// runDemo plays the day and returns an error if unpark did not say what the
// organisation knows to be so.
func runDemo(ctx context.Context, f demoFlags, out *demoPrinter, log *slog.Logger) (err error) {
	dir, err := os.MkdirTemp("", "unpark-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// A reader who has gone, as head does, is an error that stops the demo in good
	// order: ended by the signal it would leave its folder behind.
	signal.Ignore(syscall.SIGPIPE)
	ctx, out.stop = context.WithCancel(ctx)
	defer out.stop()
	lead, err := clock.NewLead(demoBegan, f.speed, "")
	if err != nil {
		return err
	}
	office, err := openOffice(f, lead.Clock(), out.happened)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, office.close()) }()
	cfg, err := demoConfig(dir, office)
	if err != nil {
		return err
	}
	feed := make(chan []byte)
	a, err := newApp(ctx, settings{config: cfg, roles: allRoles, clock: lead.Clock(), feed: feed, terminal: out, log: log})
	if err != nil && ctx.Err() != nil {
		out.stopped()
		return nil
	}
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	d := &demo{flags: f, app: a, office: office, lead: lead, feed: feed, out: out}
	var g errgroup.Group
	g.Go(func() error { defer stop(); return a.Run(running) })
	g.Go(func() error { defer stop(); return d.play(running) })
	err = g.Wait()
	if ctx.Err() != nil {
		out.stopped()
		err = nil
	}
	return errors.Join(err, out.failure(), a.Close())
}

// demo is a day that is played.
type demo struct {
	flags  demoFlags
	app    *app
	office *demoOffice
	lead   *clock.Lead
	feed   chan []byte
	out    *demoPrinter
}

// play plays the day, waits until all that follows has been told, and compares.
func (d *demo) play(ctx context.Context) error {
	heard, err := listen(ctx, d.app)
	if err != nil {
		return err
	}
	defer heard.close()
	topics := d.app.config.Process.Topics
	pace, err := lockstep.New(lockstep.Config{
		Kafka: d.app.kafka, Prefix: topics.Prefix, Group: processorGroup(topics.Prefix), Partitions: topics.Partitions, Lead: d.lead, Leash: demoLeash,
		Excused: func(_ string, now time.Time) bool { return !now.Before(demoOut) && now.Before(demoBack) },
	})
	if err != nil {
		return err
	}
	if err := waitReady(ctx, d.app); err != nil {
		return err
	}
	d.out.opening(d.flags)
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	g.Go(func() error { defer stop(); return pace.Run(playing) })
	g.Go(func() error { defer stop(); return d.office.play(playing, d.lead.Clock(), d.feed, pace, d.out) })
	told := d.tell(playing)
	if told {
		heard.wait(playing, total(expected(d.office.Truth())))
	}
	stop()
	if err := g.Wait(); err != nil || !told || ctx.Err() != nil {
		return err
	}
	return d.out.summary(d.office.Truth(), d.office.asked(), heard.counts())
}

// tell tells what no conversation does, until the day is over; false if ctx ends
// before.
func (d *demo) tell(ctx context.Context) bool {
	clk := d.lead.Clock()
	for _, moment := range []struct {
		at   time.Time
		line string
	}{
		{demoOut, "-- The API of Genesys is out of order: nobody can be asked who wrote last, nor for names."},
		{demoBack, "-- The API of Genesys answers again."},
		{demoCloses, ""},
	} {
		if !waitUntil(ctx, clk, moment.at) {
			return false
		}
		d.out.scene(moment.at, moment.line)
	}
	return true
}

// waitUntil waits until the clock shows t; it returns false if ctx ends before.
func waitUntil(ctx context.Context, clk clock.Clock, t time.Time) bool {
	for {
		left := t.Sub(clk.Now())
		if left <= 0 {
			return true
		}
		select {
		case <-time.After(max(clk.Wall(left), time.Millisecond)):
		case <-ctx.Done():
			return false
		}
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
