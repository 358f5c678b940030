package pagerduty_test

import (
	"testing"

	"unpark/connectors/notify"
	"unpark/connectors/notify/notifytest"
	"unpark/connectors/notify/pagerduty"
)

func TestSuite(t *testing.T) {
	notifytest.Run(t, notifytest.Destination{
		Taken: `{"status":"success","message":"Event processed","dedup_key":"k"}`, Token: true,
		New: func(to notifytest.Target) notify.Notifier {
			return pagerduty.New(notify.PagerDutyConfig{RoutingKey: notifytest.Reference, API: to.URL}, to.Resolve, to.Client)
		},
	})
}
