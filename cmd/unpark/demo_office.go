package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"unpark/clock"
	"unpark/config"
	"unpark/connectors/genesys"
	"unpark/connectors/genesys/simulator"
	"unpark/connectors/notify"
	"unpark/internal/lockstep"
	"unpark/processor/sla"
	"unpark/schemas"
)

// demoOrg is the organisation of the demo; its rules are the default policy.
const demoOrg = "00000000-0000-4000-8000-00000000d310"

// demoOffice is the simulated organisation, with its API on a port of this
// machine.
type demoOffice struct {
	*simulator.Org
	address string
	server  *http.Server
	served  chan error
}

func openOffice(f demoFlags, clk clock.Clock, happened func(simulator.Happening)) (*demoOffice, error) {
	org, err := simulator.New(simulator.Config{
		ID: demoOrg, Name: "demo", Seed: f.seed, Now: clk.Now, MultiAction: true, Happened: happened,
		Delivery: simulator.Delivery{Delay: 2 * time.Second, Duplicates: 0.02},
		Limits:   simulator.Limits{PerMinute: demoRate},
	})
	if err != nil {
		return nil, err
	}
	populate(org, f.seed, f.conversations)
	org.Break(simulator.Fault{Kind: simulator.Answer, Status: http.StatusServiceUnavailable, From: demoOut, Until: demoBack})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o := &demoOffice{
		Org: org, address: "http://" + listener.Addr().String(), served: make(chan error, 1),
		server: &http.Server{Handler: simulator.NewRegion(org), ReadHeaderTimeout: 10 * time.Second},
	}
	go func() { o.served <- ignoreClosed(o.server.Serve(listener)) }()
	return o, nil
}

func (o *demoOffice) close() error {
	return errors.Join(o.server.Close(), <-o.served)
}

// asked counts the calls of the API.
func (o *demoOffice) asked() int { return total(o.Calls()) + o.Hits() }

// play hands envelopes to feed when their time comes, until ctx ends.
func (o *demoOffice) play(ctx context.Context, clk clock.Clock, feed chan<- []byte, pace *lockstep.Watch, out *demoPrinter) error {
	return o.Run(ctx, clk, func(all []simulator.Delivered) error {
		pace.Sent(len(all), clk.Now())
		for _, d := range all {
			out.envelope(d)
			select {
			case feed <- d.Envelope:
			case <-ctx.Done():
				return nil
			}
		}
		return nil
	})
}

// demoRate is above what Genesys allows by default, for days with thousands of
// conversations.
const demoRate = 3000

// demoConfig is what files would say, and the secrets beside them.
func demoConfig(dir string, o *demoOffice) (*config.Config, error) {
	c := &config.Config{Process: config.DefaultProcess()}
	c.Process.Processor.Instance = "demo"
	c.Process.Processor.DataDir = filepath.Join(dir, "data")
	c.Process.Processor.CommitInterval = schemas.Duration(10 * time.Millisecond) // seconds of the day
	c.Process.Topics.Partitions = 4
	c.Process.SecretsDir = dir
	id, secret := o.Client()
	for name, value := range map[string]string{"client-id": id, "client-secret": secret} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
			return nil, err
		}
	}
	c.Orgs = []config.Org{{
		Name:    "demo",
		Rules:   sla.Rules{ID: demoOrg, Checks: true, Actions: sla.Actions{Mode: sla.ActionsLive, PerHour: 20}},
		Genesys: &genesys.Connection{API: o.address, ClientID: "file:client-id", ClientSecret: "file:client-secret", RatePerMinute: demoRate},
		Routes:  notify.Routes{"default": {To: []notify.Destination{{Terminal: &notify.TerminalConfig{}}}}},
	}}
	return c, nil
}
