package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"time"

	"unpark/clock"
	"unpark/config"
	"unpark/connectors/genesys"
	"unpark/connectors/orgconfig"
	"unpark/processor/calendar"
	"unpark/schemas"
	"unpark/secrets"
)

// applier publishes org files, with what only Genesys knows of them.
type applier struct {
	store *orgconfig.Store
	clock clock.Clock
	// warn is told what people should know though the files are applied.
	warn io.Writer
}

// askWithin bounds what an org's Genesys is asked for before its file is applied.
const askWithin = 20 * time.Second

// applied is an org file that is in force now.
type applied struct {
	org     config.Org
	version string
	changed bool // it was not in force before
}

// apply publishes the org files: a new version of each org whose file says
// something new, and its activation. said is told of each. Nothing is published if
// a queue's name leads nowhere.
func (a applier) apply(ctx context.Context, c *config.Config, said func(applied)) error {
	if err := resolveQueues(ctx, c, a.clock); err != nil {
		return err
	}
	for _, o := range c.Orgs {
		data, _, err := o.JSON()
		if err != nil {
			return err
		}
		if err := a.schedules(ctx, c, o); err != nil {
			return err
		}
		version, changed, err := a.store.Publish(ctx, o.ID, schemas.PartRules, data, a.clock)
		if err != nil {
			return err
		}
		said(applied{o, version, changed})
	}
	return nil
}

// schedules publishes the content of the schedule groups that the org's file names
// and that have none yet, before the file: without it their calendars would count as
// always for a moment, and who waits over the weekend would be told of.
func (a applier) schedules(ctx context.Context, c *config.Config, o config.Org) error {
	data, _, _ := a.store.NewestSchedules(o.ID)
	groups, err := calendar.ParseGroups(data)
	if err != nil {
		groups = nil // none, or what the sync replaces
	}
	var missing []string
	for _, id := range o.ScheduleGroups() {
		if _, ok := groups[id]; !ok {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 || o.Genesys == nil {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	read, problems, err := askOrg(c, o, a.clock).ReadGroups(asking, missing, nil)
	if err != nil {
		_, _ = fmt.Fprintf(a.warn, "%s: schedule groups cannot be read now; calendars that name them count as always until `unpark run` has synced them: %v\n", o.Name, err)
		return nil
	}
	for _, p := range problems {
		_, _ = fmt.Fprintf(a.warn, "%s: schedule group %s: %s\n", o.Name, p.Group, p.Text)
	}
	maps.Copy(read, groups) // what is in force until the file is may count in them
	if data, err = read.JSON(); err != nil || len(read) == len(groups) {
		return err
	}
	_, _, err = a.store.Publish(ctx, o.ID, schemas.PartSchedules, data, a.clock)
	return err
}

// askOrg returns a client of an org that has a Genesys connection.
func askOrg(c *config.Config, o config.Org, clk clock.Clock) *genesys.Client {
	return genesys.NewClient(*o.Genesys, genesys.ClientDeps{
		Clock: clk, Log: slog.New(slog.DiscardHandler), Resolve: secrets.Resolver{Dir: c.Process.SecretsDir}.Resolve,
	})
}

// resolveQueues puts ids in the place of the names of queues, which it asks each
// org's Genesys for. Without names nobody is asked.
func resolveQueues(ctx context.Context, c *config.Config, clk clock.Clock) error {
	clients := make(map[string]*genesys.Client)
	return c.ResolveQueues(ctx, func(ctx context.Context, o config.Org, name string) (ids []string, err error) {
		if clients[o.ID] == nil {
			if ps := o.Genesys.Validate(); len(ps) > 0 {
				return nil, fmt.Errorf("genesys: %s", ps[0].Message)
			}
			clients[o.ID] = askOrg(c, o, clk)
		}
		asking, cancel := context.WithTimeout(ctx, askWithin)
		defer cancel()
		queues, err := clients[o.ID].QueuesNamed(asking, name)
		for _, q := range queues {
			ids = append(ids, q.Id)
		}
		return ids, err
	})
}
