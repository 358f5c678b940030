package teams_test

import (
	"testing"

	"unpark/connectors/notify"
	"unpark/connectors/notify/notifytest"
	"unpark/connectors/notify/teams"
)

func TestSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Destination{
		New: func(to notifytest.Target) notify.Notifier {
			return teams.New(notify.TeamsConfig{Webhook: notifytest.Reference}, to.Resolve, to.Client)
		},
	})
}
