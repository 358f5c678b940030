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
	store   *orgconfig.Store
	clock   clock.Clock
	resolve secrets.Resolver
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
// something new, and its activation. said is told of each.
func (a applier) apply(ctx context.Context, orgs []config.Org, said func(applied)) error {
	for _, o := range orgs {
		data, _, err := o.JSON()
		if err != nil {
			return err
		}
		if err := a.schedules(ctx, o); err != nil {
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
func (a applier) schedules(ctx context.Context, o config.Org) error {
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
	read, problems, err := a.client(o).ReadGroups(asking, missing, nil)
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

func (a applier) client(o config.Org) *genesys.Client {
	return genesys.NewClient(*o.Genesys, genesys.ClientDeps{Clock: a.clock, Log: slog.New(slog.DiscardHandler), Resolve: a.resolve.Resolve})
}
