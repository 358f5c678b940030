package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"unpark/connectors/genesys"
	"unpark/connectors/notify"
	"unpark/connectors/notify/text"
	"unpark/processor/sla"
	"unpark/schemas"
)

// Org is an org's file: orgs/NAME.yaml.
type Org struct {
	// Name is the file's, without .yaml.
	Name string `json:"name" yaml:"-"`
	// Rules is what the processor reads of it.
	sla.Rules `yaml:",inline"`
	Genesys   *genesys.Connection `json:"genesys,omitempty" yaml:"genesys"`
	Routes    notify.Routes       `json:"routes,omitempty" yaml:"routes"`
	// Texts are what the org says in other words than the defaults.
	Texts text.Rules `json:"texts,omitempty" yaml:"texts"`
	// QueueNames are the names by which the file calls queues, by their ids; empty
	// until ResolveQueues.
	QueueNames map[string]string `json:"queueNames,omitempty" yaml:"-"`
}

func defaultOrg(name string) Org {
	return Org{Name: name, Rules: sla.Rules{Actions: sla.DefaultActions()}}
}

// JSON returns what goes to org-config as the part rules, and its version. It
// is the same for files that say the same.
func (o Org) JSON() (content []byte, version string, err error) {
	if len(o.Policies) == 0 {
		o.Policies = nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o); err != nil {
		return nil, "", fmt.Errorf("configuration of org %s as JSON: %w", o.Name, err)
	}
	content = bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	return content, schemas.ContentVersion(content), nil
}

// ScheduleGroups are the ids of the schedule groups that calendars name without
// their content, sorted.
func (o Org) ScheduleGroups() []string {
	var ids []string
	for _, c := range o.Calendars {
		if c.Synced() {
			ids = append(ids, c.ScheduleGroupID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// ParseOrg is the reverse of JSON: an org as org-config holds it.
func ParseOrg(content []byte) (Org, error) {
	var o Org
	if err := json.Unmarshal(content, &o); err != nil {
		return Org{}, fmt.Errorf("configuration of an org: %w", err)
	}
	return o, nil
}
