package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unpark/config"
	"unpark/connectors/orgconfig"
	"unpark/processor/calendar"
	"unpark/processor/sla"
	"unpark/schemas"
)

// calendarFlags say which folder and org a calendar is looked for in.
type calendarFlags struct {
	config, org string
	json        bool
}

func (f *calendarFlags) add(cmd *cobra.Command) {
	configFlag(cmd, &f.config)
	orgFlag(cmd, &f.org)
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON Lines")
}

// orgFlag adds --org to a command.
func orgFlag(cmd *cobra.Command, org *string) {
	cmd.Flags().StringVar(org, "org", "", "the org: its id, or the name of its file")
}

// namedCalendar is a calendar of an org file.
type namedCalendar struct {
	*calendar.Calendar
	name, org string
	zone      *time.Location
}

// open finds the calendar in the org's file.
func (f *calendarFlags) open(cmd *cobra.Command, name string) (*namedCalendar, error) {
	if f.config == "" {
		return nil, errNoConfig
	}
	cfg, problems := config.Load(f.config)
	// The hours do not depend on who is told, or on brokers.
	if err := problems.Err(config.AboutRoutes, config.AboutGenesys, config.AboutFuture, config.AboutProcess); err != nil {
		return nil, err
	}
	org, err := findOrg(f.config, cfg.Orgs, f.org)
	if err != nil {
		return nil, err
	}
	c, known := org.Calendars[name]
	if name != sla.HoursAlways && !known {
		return nil, fmt.Errorf("org %s has no calendar %q; it has %s", org.Name, name, listed(append(sortedKeys(org.Calendars), sla.HoursAlways)))
	}
	found := &namedCalendar{Calendar: calendar.Always(), name: name, org: org.Name}
	if c.Synced() {
		c = f.synced(cmd, org, name)
	}
	if known {
		if found.Calendar, err = calendar.Compile(c); err != nil {
			return nil, err
		}
	}
	zone := c.Zone()
	if zone == "" {
		zone = org.Timezone
	}
	if zone == "" {
		zone = "UTC"
	}
	found.zone, err = calendar.Location(zone)
	return found, err
}

// synced fills a calendar with what was synced from Genesys, from the cluster. It
// says so if that is not to be had: the calendar counts as always then.
func (f *calendarFlags) synced(cmd *cobra.Command, org config.Org, name string) calendar.Config {
	c, err := openCluster(cmd.Context(), f.config)
	if err == nil {
		err = c.withOrgs(cmd.Context(), func(store *orgconfig.Store) error {
			_, err := fill(store, org.ID, org.Calendars)
			return err
		})
	}
	filled := org.Calendars[name]
	if !filled.Synced() {
		return filled
	}
	said := name + ": its schedule group is not synced, so it counts as always"
	if err != nil {
		said += ": " + err.Error()
	}
	_, _ = fmt.Fprintln(cmd.ErrOrStderr(), said)
	return filled
}

// findOrg finds an org of a folder by its id or the name of its file; without a word
// for it the only one.
func findOrg(folder string, orgs []config.Org, word string) (config.Org, error) {
	var names []string
	for _, o := range orgs {
		if o.ID == word || o.Name == word || word == "" && len(orgs) == 1 {
			return o, nil
		}
		names = append(names, o.Name)
	}
	switch {
	case len(orgs) == 0:
		return config.Org{}, fmt.Errorf("there is no org: %s has no file", filepath.Join(folder, "orgs"))
	case word == "":
		return config.Org{}, usageError{fmt.Errorf("--org is missing; it is one of %s", strings.Join(names, ", "))}
	}
	return config.Org{}, fmt.Errorf("there is no org %q; there is %s", word, strings.Join(names, ", "))
}

// listed joins words for a sentence: a, b, c.
func listed(words []string) string { return strings.Join(words, ", ") }

// clockTime writes an instant for people, in a zone.
func clockTime(at time.Time) string { return at.Format("Mon 2 Jan 2006 15:04:05 MST") }

// short writes a duration without the parts that are zero: 3h30m.
func short(d time.Duration) string { return config.Short(schemas.Duration(d)) }
