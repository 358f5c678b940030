package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// stopWithin bounds a graceful stop.
const stopWithin = 10 * time.Second

// Run runs the roles until ctx ends or one of them fails, then stops all.
func (a *app) Run(ctx context.Context) error {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	for _, p := range a.parts {
		g.Go(func() error {
			defer cancel()
			err := p.run(running)
			if err == nil || running.Err() != nil && errors.Is(err, context.Canceled) {
				return nil // a stop is no failure, not even during the start
			}
			return fmt.Errorf("%s: %w", p.name, err)
		})
	}
	if a.listener != nil {
		g.Go(func() error {
			defer cancel()
			return serveHTTP(running, a.listener, a.registry, a.readiness(), a.pages, a.component("http"))
		})
	}
	g.Go(func() error {
		defer cancel()
		return a.orgs.watch(running)
	})
	done := make(chan error, 1)
	go func() { done <- g.Wait() }()
	<-running.Done()
	select {
	case err := <-done:
		return err
	case <-time.After(stopWithin):
		// What hangs is a fault of ours: its stacks, which hold no values, say where.
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		return fmt.Errorf("not all parts stopped within %s: standard error says what each was doing", stopWithin)
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
		if p.ready != nil {
			rs = append(rs, readiness{p.name, p.ready, p.notes})
		}
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
