package slack

import (
	"cmp"
	"encoding/json"
	"time"

	slackapi "github.com/slack-go/slack"

	"unpark/connectors/notify"
)

// snoozeFor is how long the button snoozes.
const snoozeFor = time.Hour

// interactions returns what a payload of Slack's asks for. Buttons that are not
// ours, and the one that only opens a page, ask for nothing.
func interactions(c slackapi.InteractionCallback) []notify.Interaction {
	if c.Type != slackapi.InteractionTypeBlockActions {
		return nil
	}
	var all []notify.Interaction
	for _, action := range c.ActionCallback.BlockActions {
		if action == nil || action.ActionID != actionAcknowledge && action.ActionID != actionSnooze {
			continue
		}
		var a alert
		if json.Unmarshal([]byte(action.Value), &a) != nil || a.Escalation == "" || a.Conversation == "" {
			continue
		}
		i := notify.Interaction{Escalation: a.Escalation, Conversation: a.Conversation, By: cmp.Or(c.User.RealName, c.User.Name, c.User.ID)}
		if action.ActionID == actionSnooze {
			i.Snooze = snoozeFor
		}
		all = append(all, i)
	}
	return all
}
