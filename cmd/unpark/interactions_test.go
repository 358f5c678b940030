package main

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type fixedRules map[string]string

func (f fixedRules) Orgs() []string { return sortedKeys(f) }

func (f fixedRules) NewestRules(org string) ([]byte, string, bool) {
	return []byte(f[org]), "v1", f[org] != ""
}

func TestSlackApps(t *testing.T) {
	apps := slackApps{fixedRules{
		"a": `{"routes":{"managers":[{"slack":{"botToken":"env:UNPARK_A","channel":"C1","signingSecret":"env:UNPARK_SIGN"}},{"terminal":{}}]}}`,
		"b": `{"routes":{"duty":{"to":[{"slack":{"botToken":"env:UNPARK_B","channel":"C2","signingSecret":"env:UNPARK_SIGN","appToken":"env:UNPARK_APP"}}],"repeat":"1h"}}}`,
		"c": `{"routes":{"all":[{"slack":{"botToken":"env:UNPARK_C","channel":"C3","signingSecret":"env:UNPARK_UNSET"}},{"slack":{"webhook":"env:UNPARK_W"}}]}}`,
		"d": `no rules`,
		"e": "",
	}}
	if got := len(apps.all()); got != 4 {
		t.Errorf("found %d Slack destinations, want 4", got)
	}
	resolved := 0
	got := apps.signingSecrets(func(ref string) (string, error) {
		resolved++
		if ref == "env:UNPARK_SIGN" {
			return "shh", nil
		}
		return "", errors.New("not set")
	})
	if diff := cmp.Diff([]string{"shh"}, got); diff != "" || resolved != 2 {
		t.Errorf("resolved %d references, want 2 (-want +got):\n%s", resolved, diff)
	}
}
