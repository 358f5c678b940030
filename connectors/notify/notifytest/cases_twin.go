package notifytest

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"unpark/connectors/notify"
	"unpark/connectors/notify/text"
	"unpark/schemas"
)

// twin tells a strict twin everything there is to tell: every sample, names that
// try to break out, the longest there can be, and what becomes of each.
func twin(t *testing.T, d Destination) {
	vendor := d.Twin()
	server := httptest.NewServer(vendor)
	defer server.Close()
	behind := vendor.Secret()
	if !d.Token {
		behind = server.URL + behind
	}
	n := build(d, server.URL, behind, server.Client())
	for i, m := range everything(t) {
		m.AlertKey = fmt.Sprintf("%s/%d", m.AlertKey, i)
		m.MessageKey = m.AlertKey + "/alert"
		live(t, n, m)
	}
	for _, m := range []notify.Message{Digest(), hugeDigest()} {
		if n.Capabilities().Kinds.Has(notify.Digest) {
			m.Reference, _ = tell(t, n, m)
			tell(t, n, m)
		}
	}
	for _, r := range slices.Compact(slices.Sorted(slices.Values(vendor.Refusals()))) {
		t.Error("refused: ", r)
	}
}

// live tells an alert and all that can become of it.
func live(t *testing.T, n notify.Notifier, m notify.Message) {
	t.Helper()
	reference, _ := tell(t, n, m)
	for _, kind := range []notify.Kind{notify.Snooze, notify.Acknowledge, notify.Remind, notify.Clear, notify.Retract} {
		if n.Capabilities().Kinds.Has(kind) {
			tell(t, n, Become(t, m, kind, reference))
		}
	}
}

func everything(t *testing.T) []notify.Message {
	all := []notify.Message{Message(t), longest(t), hostile(t)}
	for _, s := range text.Samples() {
		all = append(all, message(t, s.Subject))
	}
	test := message(t, text.Samples()[0].Subject)
	test.Test = true
	return append(all, test)
}

func message(t *testing.T, s text.Subject) notify.Message {
	t.Helper()
	value, err := schemas.EncodeEscalation(s.Escalation)
	if err != nil {
		t.Fatal(err)
	}
	return notify.Message{
		Escalation: s.Escalation, Value: value, OrgName: s.Org, Zone: s.Zone, Link: s.Link, AlertKey: s.Escalation.ID + "/org 1/managers/0",
	}
}

// longest is an alert whose texts are as long as they can be.
func longest(t *testing.T) notify.Message {
	s := text.Samples()[0].Subject
	long := strings.Repeat("Ж🎉", 400)
	s.Org, s.Link = long, "https://apps.example/"+strings.Repeat("a", 2000)
	s.Escalation.Agent.Name, s.Escalation.Queue.Name, s.Escalation.Policy = &long, &long, long
	m := message(t, s)
	template := strings.Repeat("{{.Agent}}{{.Queue}}", 20)
	set, err := text.Compile(text.Rules{{Headline: template, Advice: template, Details: strings.Repeat("{{.Agent}}: "+template+"\n", 9)}})
	if err != nil {
		t.Fatal(err)
	}
	m.Texts, m.AlertKey = set, strings.Repeat("k", 600)
	return m
}

// hostile is an alert whose names try to be more than names.
func hostile(t *testing.T) notify.Message {
	s := text.Samples()[0].Subject
	s.Escalation.Agent.Name = new("<!here> *b* _i_ `c` [x](https://evil.example) <https://evil.example|x> {{DATE(2017-02-14T06:08:39Z, SHORT)}} <at>all</at>")
	s.Escalation.Queue.Name = new("\x1b[2J\n\n# Head\n- li &lt;!channel&gt; ${payload} \u202e\u0000")
	return message(t, s)
}

func hugeDigest() notify.Message {
	m := Digest()
	m.AlertKey, m.MessageKey = "digest-2", "digest-2/1"
	for i := range 500 {
		m.Digest.Groups = append(m.Digest.Groups, notify.Group{Queue: fmt.Sprintf("%d %s", i, strings.Repeat("Ж", 300)), Agent: strings.Repeat("🎉", 300), Raised: 2})
	}
	return m
}
