package processor_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"unpark/processor/calendar"
	"unpark/processor/sla"
	"unpark/schemas"
)

// genEpoch is the instant around which generated histories happen: the Monday of
// the scripts at 09:00.
var genEpoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixMilli()

const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

func duration(ms int64) *schemas.Duration {
	d := schemas.Duration(time.Duration(ms) * time.Millisecond)
	return &d
}

// genRules draws an org's rules: few values, so that conversations meet them.
func genRules(t *rapid.T, org string) sla.Rules {
	rules := sla.Rules{
		ID: org, Attributes: []string{"vip"},
		Timing: sla.Timing{
			Grace:  duration(rapid.SampledFrom([]int64{10 * second, second, 2 * minute}).Draw(t, "grace")),
			Settle: duration(rapid.SampledFrom([]int64{2 * minute, 10 * second, 10 * minute}).Draw(t, "settle")),
			Late:   duration(rapid.SampledFrom([]int64{4 * day, 4 * day, 2 * hour}).Draw(t, "late")),
			Fresh:  duration(rapid.SampledFrom([]int64{minute, hour}).Draw(t, "fresh")),
		},
		Calendars: map[string]calendar.Config{
			"office": {
				Timezone: "Europe/Berlin", Holidays: []string{"2026-03-03"},
				Weekly: map[string][]string{"mon": {"09:00-12:00", "13:00-17:00"}, "tue": {"09:00-17:00"}, "wed": {"09:00-17:00"}, "thu": {"22:00-06:00"}},
				Closed: []calendar.Stretch{{From: "2026-03-02T14:00:00Z", To: "2026-03-02T14:30:00Z"}},
			},
			"pulse": {Timezone: "UTC", Weekly: pulse()},
		},
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "policies") {
		rules.Policies = append(rules.Policies, genPolicy(t, fmt.Sprintf("p%d", i), true))
	}
	if len(rules.Policies) > 0 && rapid.IntRange(0, 3).Draw(t, "rest") > 0 {
		rules.Policies = append(rules.Policies, genPolicy(t, "rest", false))
	}
	return rules
}

// pulse opens for twenty minutes, closes for ten, all day, so that short
// histories meet many edges.
func pulse() map[string][]string {
	var windows []string
	for h := range 24 {
		windows = append(windows, fmt.Sprintf("%02d:00-%02d:20", h, h), fmt.Sprintf("%02d:30-%02d:50", h, h))
	}
	weekly := map[string][]string{}
	for _, d := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} {
		weekly[d] = windows
	}
	return weekly
}

func genPolicy(t *rapid.T, name string, matching bool) sla.Policy {
	p := sla.Policy{Name: name, Bots: rapid.SampledFrom([]string{"", sla.BotsIgnore, sla.BotsReply}).Draw(t, "bots")}
	if matching {
		switch rapid.IntRange(0, 5).Draw(t, "match") {
		case 0, 1:
			p.Match.Queue = genSome(t, queues, "match queue")
		case 2:
			p.Match.Attributes = map[string]string{"vip": "yes"}
		case 3:
			p.Match.Division = genSome(t, divisions, "match division")
		case 4:
			p.Match.Direction = []string{rapid.SampledFrom([]string{"inbound", "outbound"}).Draw(t, "match direction")}
		case 5:
			p.Match.Media, p.Match.MessageType = []string{"message"}, genSome(t, messageTypes, "match type")
		}
	}
	for _, o := range genSome(t, []string{sla.Reply, sla.FirstReply, sla.Resolution, sla.Open}, "objectives") {
		p.Objectives = append(p.Objectives, genObjective(t, o))
	}
	return p
}

func genObjective(t *rapid.T, objective string) sla.Objective {
	o := sla.Objective{Objective: objective, Hours: rapid.SampledFrom([]string{sla.HoursAlways, "pulse", "office"}).Draw(t, "hours")}
	for _, m := range genSome(t, []int64{5, 10, 20, 30, 60, 90}, "tiers") {
		tier := sla.Tier{At: *duration(m * minute), Kind: rapid.SampledFrom([]string{sla.KindWarning, sla.KindBreach}).Draw(t, "kind")}
		if objective == sla.Open && m == 90 {
			tier.Kind, tier.Action = sla.KindAction, sla.ActionRequeue
		}
		o.Tiers = append(o.Tiers, tier)
	}
	return o
}

// genSome draws one to three different values.
func genSome[V comparable](t *rapid.T, values []V, label string) []V {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, min(3, len(values)), rapid.ID[V]).Draw(t, label)
}

// String writes a history as the scripts of testdata have it.
func (h history) String() string {
	var b strings.Builder
	for _, c := range h.orgs {
		r := c.rules
		r.Calendars = nil
		fmt.Fprintf(&b, "%s: %s\n", r.ID, newOrgConfig(r).json)
	}
	for _, m := range h.moments {
		at := showTime(schemas.Instant(m.at))
		if m.until {
			fmt.Fprintf(&b, "until %s\n", at)
			continue
		}
		if e := m.input.GetEvent(); e != nil {
			topic := strings.Replace(strings.ToLower(strings.TrimPrefix(e.Topic.String(), "EVENT_TOPIC_")), "_", ".", 1)
			fmt.Fprintf(&b, "%s %s", at, topic)
			showArg(&b, "conversation", e.OrgId+"/"+e.ConversationId)
			showArg(&b, "session", e.SessionId)
			showArg(&b, "media", e.MediaType)
			showArg(&b, "type", e.MessageType)
			showArg(&b, "queue", e.QueueId)
			showArg(&b, "user", e.UserId)
			showArg(&b, "division", e.DivisionId)
			showArg(&b, "direction", e.Direction)
			for _, k := range slices.Sorted(maps.Keys(e.Attributes)) {
				showArg(&b, "attributes", k+":"+e.Attributes[k])
			}
			b.WriteString("\n")
			continue
		}
		o := m.input.GetThreadObserved()
		if o == nil {
			fmt.Fprintf(&b, "%s %v\n", at, m.input)
			continue
		}
		fmt.Fprintf(&b, "%s observed conversation=%s/%s", at, o.OrgId, o.ConversationId)
		showArg(&b, "request", o.RequestId)
		if o.StartedAtMs != nil {
			showArg(&b, "started", showTime(schemas.Instant(*o.StartedAtMs)))
		}
		if o.EndedAtMs != nil {
			showArg(&b, "ended", showTime(schemas.Instant(*o.EndedAtMs)))
		}
		showArg(&b, "queue", o.QueueId)
		if o.Agent != nil {
			showArg(&b, "agent", o.Agent.Id+"/"+o.Agent.Name+"/"+o.Agent.State)
		}
		var messages []string
		for _, m := range o.Messages {
			messages = append(messages, strings.ToLower(strings.TrimPrefix(m.By.String(), "AUTHOR_"))+"@"+showTime(schemas.Instant(m.AtMs)))
		}
		showArg(&b, "messages", strings.Join(messages, ","))
		b.WriteString("\n")
	}
	return b.String()
}

func showArg(b *strings.Builder, key, value string) {
	if value != "" && value != "inbound" {
		fmt.Fprintf(b, " %s=%s", key, value)
	}
}
