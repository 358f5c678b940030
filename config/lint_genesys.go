package config

import (
	"unpark/connectors/genesys"
	"unpark/processor/sla"
	"unpark/secrets"
)

// lintGenesys looks at what asks Genesys or changes something there.
func (o Org) lintGenesys(r *reporter) {
	switch {
	case o.Genesys != nil:
		r.connection(*o.Genesys)
	case o.Checks:
		r.err("checks", "nobody can be asked: checks: on needs genesys: {region: ..., client_id: ..., client_secret: ...}")
	}
	switch o.Actions.Mode {
	case sla.ActionsOff, sla.ActionsDryRun:
	case sla.ActionsLive:
		if !o.Checks {
			r.warn("actions.mode", "no action is taken without a check of the conversation, and checks are off: tiers with an action say not_taken")
		}
	default:
		r.err("actions.mode", "%q is no mode; write off, dry_run or live", o.Actions.Mode)
	}
	if o.Actions.PerHour < 0 {
		r.err("actions.per_hour", "%d is negative; write 0 for none", o.Actions.PerHour)
	}
}

// connection reports what is wrong with how Genesys is reached.
func (r *reporter) connection(c genesys.Connection) {
	const field = "genesys"
	for _, p := range c.Validate() {
		path := field
		if p.Field != "" {
			path = join(field, p.Field)
		}
		r.err(path, "%s", p.Message)
	}
	r.secret("genesys.client_id", c.ClientID)
	r.secret("genesys.client_secret", c.ClientSecret)
}

// secret wants a reference.
func (r *reporter) secret(path, value string) {
	if value == "" {
		r.err(path, "missing; %s", secrets.Usage)
		return
	}
	if err := secrets.Check(value); err != nil {
		r.err(path, "%v", err)
	}
}

// reference wants a good one if it is one.
func (r *reporter) reference(path, value string) {
	if secrets.IsReference(value) {
		r.secret(path, value)
	}
}
