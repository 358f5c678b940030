package config

import (
	"net/url"

	"unpark/processor/sla"
	"unpark/secrets"
)

// lintGenesys looks at what asks Genesys or changes something there.
func (o Org) lintGenesys(r *reporter) {
	if o.Checks {
		r.err("checks", "the verifier is not part of this version; write checks: off")
	}
	if o.Genesys != nil {
		o.Genesys.lint(r)
	}
	switch o.Actions.Mode {
	case sla.ActionsOff, sla.ActionsDryRun:
	case sla.ActionsLive:
		r.warn("actions.mode", "no action is taken without a check of the conversation, and checks are off: tiers with an action say not_taken")
	default:
		r.err("actions.mode", "%q is no mode; write off, dry_run or live", o.Actions.Mode)
	}
	if o.Actions.PerHour < 0 {
		r.err("actions.per_hour", "%d is negative; write 0 for none", o.Actions.PerHour)
	}
}

func (c Connection) lint(r *reporter) {
	if (c.Region == "") == (c.API == "") {
		r.err("genesys", "needs region (such as eu-west-1) or api (https://...), one of them")
	}
	if u, err := url.Parse(c.API); c.API != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil) {
		r.err("genesys.api", "is no address; write https://...")
	}
	r.secret("genesys.client_id", c.ClientID)
	r.secret("genesys.client_secret", c.ClientSecret)
	if c.RatePerMinute < 0 {
		r.err("genesys.rate_per_minute", "%d is negative", c.RatePerMinute)
	}
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
