package main

import (
	"context"
	"slices"

	"unpark/config"
	"unpark/connectors/eventbridge"
	"unpark/schemas"
)

// fileRules are the rules of a configuration folder.
type fileRules struct {
	orgs map[string]fileOrg
}

type fileOrg struct {
	json    []byte
	version string
}

func newFileRules(orgs []config.Org) (fileRules, error) {
	rules := fileRules{orgs: make(map[string]fileOrg)}
	for _, o := range orgs {
		data, version, err := o.JSON()
		if err != nil {
			return fileRules{}, err
		}
		rules.orgs[o.ID] = fileOrg{data, version}
	}
	return rules, nil
}

// Get implements processor.Configs. A folder has no schedules.
func (r fileRules) Get(_ context.Context, key schemas.OrgConfigKey) ([]byte, bool, error) {
	o, ok := r.orgs[key.Org]
	return o.json, ok && key.Part == schemas.PartRules && o.version == key.Version, nil
}

// NewestRules implements newestRules.
func (r fileRules) NewestRules(org string) ([]byte, string, bool) {
	o, ok := r.orgs[org]
	return o.json, o.version, ok
}

// keeper says which attributes are kept, as keepAttributes does of rules that
// change.
func (r fileRules) keeper() eventbridge.Keeper {
	kept := make(map[string][]string, len(r.orgs))
	for id, o := range r.orgs {
		kept[id] = attributesOf(o.json)
	}
	return func(org string) ([]string, bool) {
		keys, known := kept[org]
		return keys, known
	}
}

func (r fileRules) activations() []*schemas.InputRecord {
	var ins []*schemas.InputRecord
	ids := make([]string, 0, len(r.orgs))
	for id := range r.orgs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		ins = append(ins, &schemas.InputRecord{Kind: &schemas.InputRecord_ConfigActivated{ConfigActivated: &schemas.ConfigActivated{
			OrgId: id, Part: schemas.PartRules, Version: r.orgs[id].version,
		}}})
	}
	return ins
}
