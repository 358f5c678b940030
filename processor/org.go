package processor

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"unpark/processor/sla"
	"unpark/processor/stream"
	"unpark/schemas"
)

const (
	orgVersion = 1
	// rejudgePerTick bounds how many conversations one tick judges again after a
	// change of rules.
	rejudgePerTick = 500
)

// askedOrg is an org that was asked for in a transaction.
type askedOrg struct {
	id    string
	entry *entry[*schemas.OrgState]
	rules *sla.RuleSet // in force, nil: not looked for
}

// inForce is what an org is judged by, found without a lock.
type inForce struct {
	edition edition
	rules   *sla.RuleSet
}

// inForce returns the rules in force for the org in this partition, nil if there
// are none.
func (h *Handler) inForce(tx stream.Tx, org string) (*sla.RuleSet, error) {
	asked, err := h.ask(tx, org)
	if err != nil || asked.entry.value == nil {
		return nil, err
	}
	if asked.rules == nil {
		asked.rules, err = h.lookUpRules(org, asked.entry.value)
	}
	return asked.rules, err
}

func (h *Handler) lookUpRules(org string, st *schemas.OrgState) (*sla.RuleSet, error) {
	edition := editionOf(org, st)
	if last := h.force[org]; last.rules != nil && last.edition == edition {
		return last.rules, nil
	}
	org = strings.Clone(org) // it outlives what it came with
	rules, err := h.cfg.Rules.InForce(h.ctx, org, st)
	if err == nil && rules != nil {
		h.force[org] = inForce{editionOf(org, st), rules}
	}
	return rules, err
}

// org returns the state of an org.
func (h *Handler) org(tx stream.Tx, org string) (*entry[*schemas.OrgState], error) {
	asked, err := h.ask(tx, org)
	if err != nil {
		return nil, err
	}
	return asked.entry, nil
}

// ask finds an org. Most records are of the same one as the record before, or of
// one that was asked for in this transaction.
func (h *Handler) ask(tx stream.Tx, org string) (*askedOrg, error) {
	if h.newest != nil && h.newest.id == org {
		return h.newest, nil
	}
	asked, ok := h.asked[org]
	if !ok {
		h.key = schemas.AppendOrgKey(h.key[:0], org)
		entry, err := h.orgs.get(tx, h.key)
		if err != nil {
			return nil, err
		}
		asked = &askedOrg{id: org, entry: entry}
		h.asked[org] = asked
	}
	h.newest = asked
	return asked, nil
}

// forgetAsked ends what was asked for, with the states that it was about.
func (h *Handler) forgetAsked() {
	clear(h.asked)
	h.newest = nil
}

// activated puts a version in force and begins to judge the org's conversations
// again. A version that cannot be used is refused; the old one stays. A repeat does
// so only where the activation it repeats is not known, or newer than what is.
func (h *Handler) activated(tx stream.Tx, a *schemas.ConfigActivated, offset int64) error {
	if err := checkIDs(a.OrgId, a.Version, ""); err != nil {
		return err
	}
	if !slices.Contains(parts, a.Part) {
		return nil
	}
	asked, err := h.ask(tx, a.OrgId)
	if err != nil {
		return err
	}
	entry := asked.entry
	active := entry.value.GetActive()[a.Part]
	if active == a.Version {
		return nil
	}
	if a.RepeatOf != nil {
		if offset = *a.RepeatOf; active != "" && offset <= activationOf(entry.value, a.Part).offset() {
			h.correct(tx, a.OrgId, a.Part, entry.write())
			return nil
		}
	}
	if known, err := h.usable(a); err != nil || !known {
		return err
	}
	org := entry.write()
	org.Version = orgVersion
	if org.Active == nil {
		org.Active = make(map[string]string)
	}
	org.Active[a.Part], asked.rules = a.Version, nil
	activationOf(org, a.Part).set(offset, tx.Now())
	h.repeats.add(repeatOf(a.OrgId, a.Part, org))
	return h.changed(a.OrgId, a.Part, org)
}

// changed begins to judge the org's conversations again, if what has changed
// concerns them.
func (h *Handler) changed(id, part string, org *schemas.OrgState) error {
	rules, err := h.cfg.Rules.InForce(h.ctx, id, org)
	if err != nil || rules == nil {
		return err // there are no conversations without rules
	}
	h.sayAlways(id, rules)
	if part == schemas.PartRules || rules.Schedules != "" {
		org.RejudgeFrom = schemas.ConversationPrefix(id)
		h.rejudging.add(id)
	}
	return nil
}

// sayAlways tells which calendars count as always for want of their schedule
// group's content.
func (h *Handler) sayAlways(org string, rules *sla.RuleSet) {
	if h.cfg.Metrics.countAlways(org, rules) {
		h.cfg.Logger.Error("calendars count as always: their schedule groups have not been synced from Genesys",
			schemas.LogOrg, org, schemas.LogCalendars, rules.Always, schemas.LogVersion, rules.Version)
	}
}

// usable reports whether org-config holds the version and it can be judged by.
func (h *Handler) usable(a *schemas.ConfigActivated) (bool, error) {
	known := false
	var err error
	if a.Part == schemas.PartSchedules {
		_, known, err = h.cfg.Rules.groups(h.ctx, a.OrgId, a.Version)
	} else {
		var rules *sla.RuleSet
		rules, err = h.cfg.Rules.Get(h.ctx, a.OrgId, a.Version, "")
		known = rules != nil
	}
	switch {
	case err != nil && !errors.Is(err, errUnusable):
		return false, err
	case err != nil || !known:
		h.cfg.Metrics.refused.Inc()
		h.cfg.Logger.Error("configuration version refused; the one before stays in force",
			schemas.LogOrg, a.OrgId, schemas.LogPart, a.Part, schemas.LogVersion, a.Version, schemas.LogError, err)
		return false, nil
	}
	return true, nil
}

// mayAct counts an action of the org in this partition, unless its cap is used up.
func (h *Handler) mayAct(tx stream.Tx, org string, perHour int) (bool, error) {
	entry, err := h.org(tx, org)
	if err != nil {
		return false, err
	}
	recent, allowed := sla.MaxActs(entry.value.GetActedMs(), tx.Now(), perHour)
	if allowed {
		entry.write().ActedMs = append(recent, tx.Now())
	}
	return allowed, nil
}

// rejudging is the list of orgs whose conversations are being judged again, as
// the stored OrgStates have it.
type rejudging struct {
	loaded bool
	orgs   []string // sorted
}

func (r *rejudging) add(org string) {
	if i, ok := slices.BinarySearch(r.orgs, org); !ok {
		r.orgs = slices.Insert(r.orgs, i, org)
	}
}

// Tick implements stream.Handler: a slice of the conversations whose rules have
// changed is judged again, and activations that are old are repeated.
func (h *Handler) Tick(tx stream.Tx) (more bool, err error) {
	if !h.rejudging.loaded {
		if err := h.loadOrgs(tx); err != nil {
			return false, err
		}
	}
	if err := h.repeat(tx); err != nil {
		return false, err
	}
	for budget := h.slice; budget > 0 && len(h.rejudging.orgs) > 0; {
		n, done, err := h.rejudge(tx, h.rejudging.orgs[0], budget)
		if err != nil {
			return false, err
		}
		budget -= n
		if done {
			h.rejudging.orgs = h.rejudging.orgs[1:]
		}
	}
	return len(h.rejudging.orgs) > 0, nil
}

// loadOrgs finds which orgs are being judged again, and when each is to be repeated.
func (h *Handler) loadOrgs(tx stream.Tx) error {
	if err := h.Flush(tx); err != nil {
		return err
	}
	prefix := []byte{schemas.KindOrg}
	from := prefix
	for {
		keys, err := tx.Scan(prefix, from, rejudgePerTick)
		if err != nil {
			return err
		}
		for _, key := range keys {
			entry, err := h.orgs.get(tx, key)
			if err != nil {
				return err
			}
			h.loadOrg(string(key[1:]), entry.value)
		}
		if len(keys) < rejudgePerTick {
			h.rejudging.loaded = true
			return nil
		}
		from = after(keys[len(keys)-1])
	}
}

func (h *Handler) loadOrg(id string, org *schemas.OrgState) {
	if org.GetRejudgeFrom() != nil {
		h.rejudging.add(id)
	}
	for _, part := range parts {
		if org.GetActive()[part] != "" {
			h.repeats.add(repeatOf(id, part, org))
		}
	}
	// What is gone from org-config is said when somebody is to be judged by it.
	if rules, _ := h.cfg.Rules.InForce(h.ctx, id, org); rules != nil {
		h.sayAlways(id, rules)
	}
}

// rejudge judges up to limit conversations of the org, from where the last slice
// ended.
func (h *Handler) rejudge(tx stream.Tx, org string, limit int) (n int, done bool, err error) {
	// Scan sees what is flushed: a conversation may have come in this transaction.
	if err := h.Flush(tx); err != nil {
		return 0, false, err
	}
	entry, err := h.org(tx, org)
	if err != nil {
		return 0, false, err
	}
	keys, err := tx.Scan(schemas.ConversationPrefix(org), entry.value.RejudgeFrom, limit)
	if err != nil {
		return 0, false, err
	}
	for _, key := range keys {
		stored, err := h.conversations.get(tx, key)
		if err != nil {
			return 0, false, err
		}
		if err := h.look(tx, stored, sla.Input{Rejudge: true}); err != nil {
			return 0, false, err
		}
	}
	st := entry.write()
	if done = len(keys) < limit; done {
		st.RejudgeFrom = nil
	} else {
		st.RejudgeFrom = after(keys[len(keys)-1])
	}
	return len(keys), done, nil
}

// after returns the smallest key greater than key.
func after(key []byte) []byte { return append(bytes.Clone(key), 0) }
