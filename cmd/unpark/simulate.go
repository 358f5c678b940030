package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"unpark/clock"
	"unpark/config"
	"unpark/connectors/eventbridge"
	"unpark/connectors/genesys/simulator"
	"unpark/secrets"
)

type simulateFlags struct {
	config        string
	listen        string
	seed          uint64
	speed         float64
	conversations int
	days          int
	since         time.Duration
	out           string
	queue         eventbridge.SQS
}

func simulateCommand() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Stand in for Genesys: its API over HTTP and the events of invented conversations",
		Long: `Plays the orgs of a configuration folder, or one called demo: customers who write and
come back, agents who answer, park and forget, transfer and go home. Serves the part of the
Genesys API that unpark uses, with tokens, rate limits and permissions, and writes what
EventBridge would deliver, disorderly and some of it twice, to a file or an SQS queue.

In an org file, genesys: {api: http://ADDRESS, client_id: ..., client_secret: ...} has
unpark ask it; it accepts the credentials that the references resolve to. --since is how
long it has been going on at the start: that part is delivered before the API answers.

With simulation: {clock: FILE} in unpark.yaml it leads a time of its own, which 'unpark run'
with the same folder follows: --speed 60 is an hour a minute. It begins at noon (UTC) of the
last working day.
Without, at a --speed other than 1, its time leaves the one of 'unpark run': only for looking
at what it says.`,
		Example: "  unpark simulate --config config/simulated --speed 60 --out - | unpark run --config config/simulated\n" +
			"  unpark simulate --config config --out events.jsonl\n" +
			"  unpark simulate --config config --since 24h --sqs http://127.0.0.1:9324/000000000000/genesys\n" +
			"  unpark simulate --speed 3600 --conversations 20 --out -",
		Args: cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return usageError{err}
			}
			return runSimulation(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		}),
	}
	cmd.Flags().StringVar(&f.config, "config", "", "folder of the configuration, for its orgs")
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8099", "address of the API")
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "equal seeds play equal conversations")
	cmd.Flags().Float64Var(&f.speed, "speed", 1, "how many times as fast as the wall clock")
	cmd.Flags().IntVar(&f.conversations, "conversations", 200, "conversations a day and org")
	cmd.Flags().IntVar(&f.days, "days", 7, "days on which conversations begin")
	cmd.Flags().DurationVar(&f.since, "since", 8*time.Hour, "how long it has been going on")
	cmd.Flags().StringVar(&f.out, "out", "", "file for the envelopes, - for standard output")
	cmd.Flags().StringVar(&f.queue.URL, "sqs", "", "URL of a queue for the envelopes")
	cmd.Flags().StringVar(&f.queue.Endpoint, "endpoint", "", "address to ask instead of AWS's")
	return cmd
}

const (
	maxSimulated      = 1_000_000 // conversations of an org: some GB
	maxSimulatedSpeed = 100_000   // a day in a second
)

func (f simulateFlags) check() error {
	switch {
	case math.IsNaN(f.speed) || f.speed <= 0 || f.speed > maxSimulatedSpeed || f.since < 0:
		return fmt.Errorf("--speed must be above 0 and at most %d, --since not negative", maxSimulatedSpeed)
	case f.conversations < 1 || f.days < 1 || f.conversations > maxSimulated/f.days:
		return fmt.Errorf("--conversations and --days must be 1 or more, and at most %d conversations in all", maxSimulated)
	case f.out != "" && f.queue.URL != "":
		return errors.New("--out or --sqs, not both")
	}
	return nil
}

func runSimulation(ctx context.Context, f simulateFlags, stdout, stderr io.Writer) (err error) {
	c, err := f.load()
	if err != nil {
		return err
	}
	now, err := f.begin(c.Process.Simulation, time.Now())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, now.close()) }()
	clk := now.clock
	orgs, err := foundOrgs(f, c, clk)
	if err != nil {
		return err
	}
	to, err := f.sink(ctx, stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	region := make([]*simulator.Org, len(orgs))
	for i, o := range orgs {
		region[i] = o.Org
		if err := to.write(o.Deliver(clk.Now())); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "%s (%s): http://%s, client id %s, secret %s\n", o.name, o.ID(), listener.Addr(), o.id, o.secret)
	}
	fmt.Fprintf(stderr, "it is %s there, and time passes %g times as fast as here\n", clk.Now().UTC().Format("Mon 2 Jan 2006 15:04 MST"), f.speed)
	g, ctx := errgroup.WithContext(ctx)
	server := &http.Server{Handler: simulator.NewRegion(region...), ReadHeaderTimeout: 10 * time.Second}
	g.Go(func() error { return ignoreClosed(server.Serve(listener)) })
	g.Go(func() error { <-ctx.Done(); return server.Close() })
	g.Go(func() error { return now.lead(ctx) })
	for _, o := range region {
		g.Go(func() error { return o.Run(ctx, clk, to.write) })
	}
	return g.Wait()
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// simulatedOrg is an organisation and how to say what it is called with.
type simulatedOrg struct {
	*simulator.Org
	name, id, secret string
}

// load reads the folder; without one there is an org called demo.
func (f simulateFlags) load() (*config.Config, error) {
	if f.config == "" {
		demo := config.Org{Name: "demo"}
		demo.ID = demoOrg
		return &config.Config{Orgs: []config.Org{demo}}, nil
	}
	c, problems := config.Load(f.config)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	if len(c.Orgs) == 0 {
		return nil, fmt.Errorf("%s has no org to simulate", f.config)
	}
	return c, nil
}

// foundOrgs founds the organisations and plans their conversations.
func foundOrgs(f simulateFlags, folder *config.Config, clk clock.Clock) ([]simulatedOrg, error) {
	resolve := secrets.Resolver{Dir: folder.Process.SecretsDir}
	var all []simulatedOrg
	for _, c := range folder.Orgs {
		o, err := foundOrg(f, c, clk, resolve)
		if err != nil {
			return nil, fmt.Errorf("org %s: %w", c.Name, err)
		}
		from := clk.Now().Add(-f.since)
		o.Populate(f.conversations*f.days, from, from.AddDate(0, 0, f.days), simulator.Stories())
		all = append(all, o)
	}
	return all, nil
}

func foundOrg(f simulateFlags, c config.Org, clk clock.Clock, resolve secrets.Resolver) (o simulatedOrg, err error) {
	o.name = c.Name
	sc := simulator.Config{ID: c.ID, Name: c.Name, Seed: f.seed, Now: clk.Now, Delivery: simulator.Delivery{
		Delay: 2 * time.Second, Late: 0.002, LateBy: 10 * time.Minute, Duplicates: 0.01,
	}}
	if sc.Zone, err = time.LoadLocation(c.Timezone); err != nil {
		return o, err
	}
	if g := c.Genesys; g != nil {
		o.id, o.secret = g.ClientID, g.ClientSecret
		if sc.ClientID, err = resolve.Resolve(g.ClientID); err != nil {
			return o, err
		}
		if sc.ClientSecret, err = resolve.Resolve(g.ClientSecret); err != nil {
			return o, err
		}
		sc.Limits.PerMinute = g.RatePerMinute
	}
	o.Org, err = simulator.New(sc)
	if err == nil && c.Genesys == nil {
		o.id, o.secret = o.Client()
	}
	return o, err
}
