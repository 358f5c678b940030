package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"unpark/config"
	"unpark/connectors/orgconfig"
	"unpark/processor/calendar"
	"unpark/processor/sla"
	"unpark/schemas"
)

func configShowCommand() *cobra.Command {
	var dir, org string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show --config DIR",
		Short: "Say what is in force on the cluster, without secrets",
		Long: `Prints the newest version of each org on org-config: what 'config apply' has published,
whatever the files say by now, with the content of schedule groups as synced from Genesys. Of
routes it names the kinds of destinations, no address.`,
		Example: "  unpark config show --config config\n  unpark config show --config config --org acme --json",
		Args:    cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			c, err := openCluster(cmd.Context(), dir)
			if err != nil {
				return err
			}
			return c.withOrgs(cmd.Context(), func(store *orgconfig.Store) error { return showOrgs(cmd, store, org, asJSON) })
		}),
	}
	configFlag(cmd, &dir)
	orgFlag(cmd, &org)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON Lines")
	return cmd
}

// inForce is the newest version of an org on org-config.
type inForce struct {
	config.Org
	version   string
	published string // RFC 3339
	// schedules fill those of the calendars that are schedule groups by their ids;
	// nil: there are none.
	schedules *publishedVersion
}

// publishedVersion is a version of a part on org-config.
type publishedVersion struct {
	Version   string `json:"version"`
	Published string `json:"published"` // RFC 3339
}

// publishedAs describes a version that is on org-config.
func publishedAs(store *orgconfig.Store, key schemas.OrgConfigKey) publishedVersion {
	p := publishedVersion{Version: key.Version}
	if at, ok := store.Published(key); ok {
		p.Published = at.UTC().Format(time.RFC3339)
	}
	return p
}

// newestOrg returns what is in force for an org; ok is false if nothing is.
func newestOrg(store *orgconfig.Store, id string) (o inForce, ok bool, err error) {
	data, version, ok := store.NewestRules(id)
	if !ok {
		return inForce{}, false, nil
	}
	p := publishedAs(store, schemas.OrgConfigKey{Org: id, Part: schemas.PartRules, Version: version})
	o.version, o.published = p.Version, p.Published
	if o.Org, err = config.ParseOrg(data); err == nil {
		o.schedules, err = fill(store, id, o.Calendars)
	}
	o.ID = id
	return o, true, err
}

// fill gives the calendars that are schedule groups by their ids the content that was
// synced last, and says which version that is; nil if there is none or it is not
// needed.
func fill(store *orgconfig.Store, org string, calendars map[string]calendar.Config) (*publishedVersion, error) {
	data, version, ok := store.NewestSchedules(org)
	if !(sla.Rules{Calendars: calendars}).NeedsSchedules() || !ok {
		return nil, nil
	}
	groups, err := calendar.ParseGroups(data)
	if err != nil {
		return nil, err
	}
	groups.Fill(calendars)
	p := publishedAs(store, schemas.OrgConfigKey{Org: org, Part: schemas.PartSchedules, Version: version})
	return &p, nil
}

// newestOrgs returns what is in force, by the orgs' ids.
func newestOrgs(store *orgconfig.Store) ([]inForce, error) {
	var all []inForce
	for _, id := range store.Orgs() {
		o, _, err := newestOrg(store, id)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

func showOrgs(cmd *cobra.Command, store *orgconfig.Store, word string, asJSON bool) error {
	all, err := newestOrgs(store)
	if err != nil {
		return err
	}
	found := false
	for _, o := range all {
		if word != "" && word != o.ID && word != o.Name {
			continue
		}
		found = true
		if asJSON {
			err = json.NewEncoder(cmd.OutOrStdout()).Encode(o.json())
		} else {
			err = o.print(cmd)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case word != "" && !found:
		return fmt.Errorf("nothing is in force for an org %q; run: unpark config apply", word)
	case !found && !asJSON:
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "nothing is in force; run: unpark config apply")
	}
	return err
}

// policiesInForce are those that the org has or gets by default.
func (o inForce) policiesInForce() []sla.Policy {
	if len(o.Policies) == 0 {
		return sla.DefaultPolicies()
	}
	return o.Policies
}

func (o inForce) print(cmd *cobra.Command) error {
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(cmd.OutOrStdout(), format+"\n", args...) }
	line("%s (org %s) version %s, published %s", o.Name, o.ID, o.version, o.published)
	checks := "off"
	if o.Checks {
		checks = "on"
	}
	line("  timezone %s, checks %s, actions %s", cmp.Or(o.Timezone, "none"), checks, o.Actions.Mode)
	if kept := o.KeptAttributes(); len(kept) > 0 {
		line("  attributes kept: %s", listed(kept))
	}
	named := o
	named.Org = o.Named()
	for _, p := range named.policiesInForce() {
		line("  policy %s: %s", p.Name, config.Conversations(p.Match))
		for _, promise := range config.Promises(p) {
			line("    %s", promise)
		}
	}
	if p := o.schedules; p != nil {
		line("  schedules version %s, published %s", p.Version, p.Published)
	}
	for _, name := range sortedKeys(o.Calendars) {
		c := o.Calendars[name]
		line("  calendar %s: %s", name, config.Hours(c))
		if c.Synced() {
			line("    counts as always: it has not been synced from Genesys")
		}
	}
	for _, name := range sortedKeys(o.Routes) {
		line("  route %s: %s", name, config.Destinations(o.Routes[name].To))
		for _, habit := range config.Habits(o.Routes[name]) {
			if habit.Text != "" {
				line("    %s %s", habit.What, habit.Text)
			}
		}
	}
	return nil
}

// json is the version for a program: what decides, as it stands on org-config,
// and of routes the kinds.
func (o inForce) json() any {
	routes := make(map[string][]string)
	for name, route := range o.Routes {
		routes[name] = []string{}
		for _, d := range route.To {
			routes[name] = append(routes[name], d.Type())
		}
	}
	return struct {
		Org       string                     `json:"org"`
		Name      string                     `json:"name"`
		Version   string                     `json:"version"`
		Published string                     `json:"published"`
		Schedules *publishedVersion          `json:"schedules"`
		Timezone  string                     `json:"timezone"`
		Checks    bool                       `json:"checks"`
		Actions   sla.Actions                `json:"actions"`
		Timing    sla.Timing                 `json:"timing"`
		Kept      []string                   `json:"attributes"`
		Policies  []sla.Policy               `json:"policies"`
		Queues    map[string]string          `json:"queueNames,omitempty"`
		Calendars map[string]calendar.Config `json:"calendars"`
		Routes    map[string][]string        `json:"routes"`
	}{
		o.ID, o.Name, o.version, o.published, o.schedules, o.Timezone, o.Checks, o.Actions, o.Timing,
		append([]string{}, o.KeptAttributes()...), o.policiesInForce(), o.QueueNames, o.Calendars, routes,
	}
}
