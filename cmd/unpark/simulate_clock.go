package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"unpark/clock"
	"unpark/config"
)

// simulatedTime is the time of a simulation. If others follow it, it is led.
type simulatedTime struct {
	clock    clock.Clock
	leads    *clock.Lead
	leadsFor time.Duration // how far ahead, for a wall second
	file     string
}

// begin starts the time: now is the wall's.
func (f simulateFlags) begin(s config.Simulation, now time.Time) (*simulatedTime, error) {
	switch {
	case s.Clock != "":
		lead, err := clock.NewLead(lastNoon(now), f.speed, s.Clock)
		if err != nil {
			return nil, err
		}
		return &simulatedTime{lead.Clock(), lead, time.Duration(f.speed * float64(time.Second)), s.Clock}, nil
	case f.speed != 1:
		return &simulatedTime{clock: clock.Scaled(now, f.speed)}, nil
	}
	return &simulatedTime{clock: clock.Real()}, nil
}

// lead leads those who follow, until ctx ends.
func (t *simulatedTime) lead(ctx context.Context) error {
	if t.leads == nil {
		return nil
	}
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for {
		if err := t.leads.Until(t.clock.Now().Add(t.leadsFor)); err != nil {
			return err
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// close leaves nobody behind to follow.
func (t *simulatedTime) close() error {
	if t.leads == nil {
		return nil
	}
	if err := os.Remove(t.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("simulation.clock: %w", err)
	}
	return nil
}

// lastNoon is that of the last working day: whoever tries unpark at night or on
// Sunday wants to see people work, too.
func lastNoon(now time.Time) time.Time {
	now = now.UTC()
	noon := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, time.UTC)
	for noon.After(now) || noon.Weekday() == time.Saturday || noon.Weekday() == time.Sunday {
		noon = noon.AddDate(0, 0, -1)
	}
	return noon
}
