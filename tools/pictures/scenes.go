package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"unpark/connectors/notify"
	"unpark/connectors/notify/notifytest"
	"unpark/connectors/notify/slack"
	"unpark/connectors/notify/teams"
	"unpark/connectors/notify/text"
	"unpark/schemas"
)

// scene is one picture: what a channel holds after some messages.
type scene struct {
	name     string
	template string // slack, teams
	messages any    // as sent
}

// story is what is told: the messages of a scene in order, each knowing what the
// ones before were told as.
type story func(told []notify.Reference) []notify.Message

var stories = []struct {
	name string
	tell story
}{
	{"warning", func([]notify.Reference) []notify.Message { return []notify.Message{alert("warning", "raised")} }},
	{"breach", func([]notify.Reference) []notify.Message { return []notify.Message{alert("breach", "raised")} }},
	{"acknowledged", func(told []notify.Reference) []notify.Message {
		second := alert("breach", "raised")
		second.Thread = first(told)
		return []notify.Message{alert("warning", "raised"), about(notify.Acknowledge, told), second}
	}},
	{"cleared", func(told []notify.Reference) []notify.Message {
		return []notify.Message{alert("warning", "raised"), about(notify.Clear, told)}
	}},
	{"digest", func([]notify.Reference) []notify.Message { return []notify.Message{digest()} }},
}

func first(told []notify.Reference) notify.Reference {
	if len(told) == 0 {
		return ""
	}
	return told[0]
}

// alert is an alert about a conversation that an agent has parked.
func alert(kind, status string) notify.Message {
	at := map[string]time.Duration{"warning": 3*time.Hour + 30*time.Minute, "breach": 4 * time.Hour}[kind]
	s := text.Example("whatsapp", "reply", kind, at, status)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err) // the zone is known
	}
	return notify.Message{
		Escalation: s.Escalation, OrgName: "Acme", Zone: berlin, Link: text.Link("eu-central-1", "", s.Escalation.Conversation), AlertKey: kind,
	}
}

// about is what became of the first alert.
func about(kind notify.Kind, told []notify.Reference) notify.Message {
	m := alert("warning", "raised")
	m.Kind, m.Reference = kind, first(told)
	at := m.Escalation.At + 120_000
	switch kind {
	case notify.Acknowledge:
		m.Acknowledged = &notify.Mark{By: "Grace Hopper", At: at, Until: at + 86_400_000}
	case notify.Clear:
		m.Escalation.Status, m.Escalation.At, m.Escalation.Elapsed = "cleared", at, m.Escalation.Elapsed+1500
	}
	return m
}

func digest() notify.Message {
	from := schemas.Instant(1773054900000).Time()
	return notify.Message{Kind: notify.Digest, OrgName: "Acme", AlertKey: "digest", Digest: &notify.Summary{
		From: from, To: from.Add(time.Minute), Raised: 43, Cleared: 4, Groups: []notify.Group{
			{Queue: "Support", Agent: "Ada Lovelace", Raised: 21, Cleared: 1}, {Queue: "Support", Agent: "Alan Turing", Raised: 12, Cleared: 3},
			{Queue: "Billing", Raised: 7}, {Queue: "Returns", Agent: "Edsger Dijkstra", Raised: 3},
		},
	}}
}

// stage tells every story to Slack and to Teams.
func stage() ([]scene, error) {
	var scenes []scene
	for _, s := range stories {
		inSlack, err := tellSlack(s.tell)
		if err != nil {
			return nil, err
		}
		inTeams, err := tellTeams(s.tell)
		if err != nil {
			return nil, err
		}
		scenes = append(scenes, scene{"slack-" + s.name, "slack", inSlack}, scene{"teams-" + s.name, "teams", inTeams})
	}
	return scenes, nil
}

func tellSlack(tell story) ([]notifytest.SlackMessage, error) {
	twin := notifytest.NewSlack()
	server := httptest.NewServer(twin)
	defer server.Close()
	bot := slack.NewBot(notify.SlackConfig{BotToken: "env:UNPARK_BOT", Channel: notifytest.Channel, AppToken: "env:UNPARK_APP", API: server.URL},
		func(string) (string, error) { return twin.Secret(), nil }, http.DefaultClient)
	err := play(bot, tell, twin.Refusals)
	return twin.Messages(), err
}

func tellTeams(tell story) ([]json.RawMessage, error) {
	twin := new(notifytest.Teams)
	server := httptest.NewServer(twin)
	defer server.Close()
	n := teams.New(notify.TeamsConfig{Webhook: "env:UNPARK_TEAMS"},
		func(string) (string, error) { return server.URL + twin.Secret(), nil }, http.DefaultClient)
	err := play(n, tell, twin.Refusals)
	return twin.Cards(), err
}

// play tells a story one message after the other.
func play(n notify.Notifier, tell story, refusals func() []string) error {
	var told []notify.Reference
	for i := range tell(nil) {
		ref, err := n.Notify(context.Background(), tell(told)[i])
		if err != nil {
			return errors.Join(err, fmt.Errorf("refused: %q", refusals()))
		}
		told = append(told, ref)
	}
	return nil
}
