package notify

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoutesValidate(t *testing.T) {
	slack := func(v string) Destination { return Destination{Slack: &SlackConfig{Webhook: v}} }
	hook := func(v string) Destination { return Destination{Webhook: &WebhookConfig{URL: v}} }
	tell := func(to ...Destination) Route { return Route{To: to} }
	good := Routes{
		"managers": tell(slack("env:UNPARK_ACME_SLACK"), slack("file:acme/slack")),
		"all":      tell(hook("https://hooks.example/unpark"), hook("env:UNPARK_HOOK"), Destination{Terminal: &TerminalConfig{}}),
	}
	if ps := good.Validate(nil); len(ps) != 0 {
		t.Errorf("got %v, want no problem", ps)
	}
	const secret = "T000-SECRET"
	bad := Routes{
		"a":   tell(slack("https://hooks.slack.com/services/"+secret), slack(""), slack(secret), slack("env:HOME"+secret), slack("env:UNPARK_")),
		"b":   tell(slack("file:../"+secret), slack("file:/etc/"+secret), slack("file:")),
		"c":   tell(hook(""), hook("ftp://x/"+secret), hook("https://user:"+secret+"@x/"), hook("https://hooks.slack.com/"+secret), hook("env:PATH")),
		"d":   tell(Destination{}, Destination{Slack: &SlackConfig{Webhook: "env:UNPARK_A"}, Terminal: &TerminalConfig{}}),
		"e":   {},
		"f/0": tell(hook("https://x")),
	}
	var got []string
	for _, p := range bad.Validate(nil) {
		got = append(got, p.Field)
		if p.Message == "" || strings.Contains(p.Message, secret) {
			t.Errorf("%s: message %q", p.Field, p.Message)
		}
	}
	want := []string{
		"a[0].slack.webhook", "a[1].slack.webhook", "a[2].slack.webhook", "a[3].slack.webhook", "a[4].slack.webhook",
		"b[0].slack.webhook", "b[1].slack.webhook", "b[2].slack.webhook",
		"c[0].webhook.url", "c[1].webhook.url", "c[2].webhook.url", "c[3].webhook.url", "c[4].webhook.url",
		"d[0]", "d[1]", "e", "f/0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
