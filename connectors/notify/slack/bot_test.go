package slack_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack/slacktest"

	"unpark/connectors/notify"
	"unpark/connectors/notify/notifytest"
	"unpark/connectors/notify/slack"
)

// channel returns a strict Slack on slacktest, and a bot in its channel.
func channel(t *testing.T) (*notifytest.Slack, *slack.Bot) {
	twin := notifytest.NewSlack()
	server := slacktest.NewTestServer(twin.Bind)
	server.Start()
	t.Cleanup(server.Stop)
	t.Cleanup(func() {
		for _, r := range twin.Refusals() {
			t.Log("refused: ", r)
		}
	})
	c := notify.SlackConfig{BotToken: "env:UNPARK_BOT", Channel: notifytest.Channel, AppToken: "env:UNPARK_APP", API: server.GetAPIURL()}
	resolve := func(string) (string, error) { return notifytest.SlackBotToken, nil }
	return twin, slack.NewBot(c, resolve, http.DefaultClient)
}

func tell(t *testing.T, b *slack.Bot, m notify.Message) notify.Reference {
	t.Helper()
	ref, err := b.Notify(t.Context(), m)
	if err != nil {
		t.Fatalf("%s: %v", m.Kind, err)
	}
	return ref
}

// shown is the channel as people see it: a line a message, replies indented, with
// the first line of its text and its buttons.
func shown(twin *notifytest.Slack) string {
	var b strings.Builder
	for _, m := range twin.Messages() {
		line, _, _ := strings.Cut(m.Text, "\n")
		if m.Thread != "" {
			line = "  " + line
		}
		if m.Loud {
			line += " (in the channel too)"
		}
		for label, id := range map[string]string{"[Acknowledge]": "unpark_acknowledge", "[Snooze 1 h]": "unpark_snooze_1h", "[Open in Genesys]": "unpark_open"} {
			_, err := twin.Press(m.TS, id, "grace")
			if err == nil {
				line = strings.TrimSuffix(line, " ") + " " + label
			}
		}
		b.WriteString(sortButtons(line) + "\n")
	}
	return b.String()
}

// sortButtons puts the buttons in a fixed order.
func sortButtons(line string) string {
	var found []string
	for _, label := range []string{"[Acknowledge]", "[Snooze 1 h]", "[Open in Genesys]"} {
		if strings.Contains(line, label) {
			line = strings.Replace(line, " "+label, "", 1)
			found = append(found, label)
		}
	}
	return strings.TrimSpace(strings.Join(append([]string{strings.TrimRight(line, " ")}, found...), " "))
}

func TestLifeOfAnAlert(t *testing.T) {
	twin, bot := channel(t)
	warning := notifytest.Message(t)
	warning.Link = "https://apps.mypurecloud.de/directory/#/engage/admin/interactions/c-1"
	first := tell(t, bot, warning)

	breach := notifytest.Message(t)
	e := *breach.Escalation
	e.ID, e.Kind, e.TierSeconds = "0000000000000000000000000000000b", "breach", 14400
	breach.Escalation, breach.Thread = &e, first
	second := tell(t, bot, breach)

	for _, kind := range []notify.Kind{notify.Snooze, notify.Remind, notify.Acknowledge} {
		if got := tell(t, bot, notifytest.Become(t, warning, kind, first)); got != first {
			t.Errorf("%s: reference %s, want the alert's %s", kind, got, first)
		}
	}
	const after = `SLA WARNING: Conversation c-1 has been open for 3.5 hours. It is currently locked by agent Ada &lt;!channel&gt; &amp; "Co". Please intervene. [Open in Genesys]
SLA BREACH: Conversation c-1 has waited 4 hours for an answer. It is currently locked by agent Ada &lt;!channel&gt; &amp; "Co". Please intervene. (in the channel too) [Acknowledge] [Snooze 1 h]
Snoozed: The warning at 3.5 hours of conversation c-1 is silent until Mon 5 Jan 12:16 UTC, says Grace.
Reminder 1: SLA WARNING: Conversation c-1 has been open for 3.5 hours. It is currently locked by agent Ada &lt;!channel&gt; &amp; "Co". Please intervene. (in the channel too)
Acknowledged: The warning at 3.5 hours of conversation c-1 was taken on by Grace.
`
	if diff := cmp.Diff(after, shown(twin)); diff != "" {
		t.Errorf("after the acknowledgement (-want +got):\n%s", diff)
	}
	for i, m := range twin.Messages() {
		if (m.Thread == "") != (i == 0) {
			t.Errorf("message %d is in thread %q", i, m.Thread)
		}
	}
	// What follows on a message in a thread goes into that thread.
	tell(t, bot, notifytest.Become(t, breach, notify.Remind, second))
	if last := twin.Messages()[5]; last.Thread != twin.Messages()[0].TS {
		t.Errorf("the breach's reminder is in thread %q, want the warning's", last.Thread)
	}
	tell(t, bot, notifytest.Become(t, warning, notify.Clear, first))
	tell(t, bot, notifytest.Become(t, breach, notify.Retract, second))
	got := strings.Split(shown(twin), "\n")
	if len(got) != 7 || !strings.HasPrefix(got[0], "Cleared: ") || !strings.HasPrefix(got[1], "Retracted: ") || strings.Contains(got[0]+got[1], "[Ack") {
		t.Errorf("after the end, changed in place and without buttons:\n%s", strings.Join(got, "\n"))
	}
	if n := twin.Messages()[0].Edits; n != 3 {
		t.Errorf("the warning was changed %d times, want 3: snoozed, acknowledged, cleared", n)
	}
}

func TestNotesStandInTheMessage(t *testing.T) {
	twin, bot := channel(t)
	m := notifytest.Message(t)
	ref := tell(t, bot, m)
	tell(t, bot, notifytest.Become(t, m, notify.Acknowledge, ref))
	if got := string(twin.Messages()[0].Blocks); !strings.Contains(got, "Acknowledged by Grace, Mon 5 Jan 11:16 UTC.") {
		t.Errorf("the message does not say who has it: %s", got)
	}
}

func TestDigestIsChangedInPlace(t *testing.T) {
	twin, bot := channel(t)
	m := notifytest.Digest()
	m.Reference = tell(t, bot, m)
	m.Digest.Cleared = m.Digest.Raised
	tell(t, bot, m)
	if got := shown(twin); got != "SLA DIGEST: 37 alerts, 0 of them open.\n" {
		t.Errorf("got %q", got)
	}
}

// What somebody has deleted is said anew.
func TestDeletedMessage(t *testing.T) {
	twin, bot := channel(t)
	m := notifytest.Message(t)
	ref := tell(t, bot, m)
	_, ts, _ := strings.Cut(string(ref), "/")
	twin.Delete(ts)
	again := tell(t, bot, notifytest.Become(t, m, notify.Clear, ref))
	next := notifytest.Message(t)
	next.Thread = ref
	tell(t, bot, next)
	tell(t, bot, notifytest.Become(t, m, notify.Acknowledge, ref))
	if again == ref || len(twin.Messages()) != 3 {
		t.Errorf("reference %s, %d messages, want new ones:\n%s", again, len(twin.Messages()), shown(twin))
	}
}

func TestBotWithoutAWayBackHasNoButtons(t *testing.T) {
	twin := notifytest.NewSlack()
	server := slacktest.NewTestServer(twin.Bind)
	server.Start()
	defer server.Stop()
	bot := slack.NewBot(notify.SlackConfig{BotToken: "env:UNPARK_BOT", Channel: notifytest.Channel, API: server.GetAPIURL()},
		func(string) (string, error) { return notifytest.SlackBotToken, nil }, http.DefaultClient)
	tell(t, bot, notifytest.Message(t))
	if got := shown(twin); strings.Contains(got, "[") {
		t.Errorf("got %q, want no button", got)
	}
}

func TestBotRefused(t *testing.T) {
	for _, c := range []struct {
		word      string
		reason    string
		permanent bool
	}{
		{"invalid_blocks", "invalid_blocks", true}, {"token_revoked", "token_revoked", true}, {"not_in_channel", "not_in_channel", true},
		{"ratelimited", "ratelimited", false}, {"internal_error", "internal_error", false},
		{"xoxb-TOP-SECRET", "refused", true},
	} {
		server := slacktest.NewTestServer(func(to slacktest.Customize) {
			to.Handle("/chat.postMessage", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"ok":false,"error":"` + c.word + `"}`))
			})
		})
		server.Start()
		bot := slack.NewBot(notify.SlackConfig{BotToken: "env:UNPARK_BOT", Channel: notifytest.Channel, API: server.GetAPIURL()},
			func(string) (string, error) { return "xoxb-TOP-SECRET", nil }, http.DefaultClient)
		_, err := bot.Notify(t.Context(), notifytest.Message(t))
		server.Stop()
		refused(t, c.word, err, c.reason, c.permanent)
		if strings.Contains(err.Error(), "TOP-SECRET") {
			t.Errorf("%s: the error repeats what Slack wrote: %v", c.word, err)
		}
	}
}
