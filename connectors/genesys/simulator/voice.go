package simulator

import (
	"maps"
	"time"
)

// outcome tells what an Architect flow has achieved.
func (c *conversation) outcome(l *leg) {
	more := c.flowFields(l)
	delete(more, "exitReason")
	delete(more, "transferType")
	began := l.started.UnixMilli()
	more["flowOutcomeId"], more["flowOutcomeValue"] = "f10e0000-0000-4000-8000-000000000003", "SUCCESS"
	more["flowOutcomeStartTime"], more["flowOutcomeEndTime"] = began, c.org.now.UnixMilli()
	more["flowMilestones"] = []map[string]any{{"milestoneId": "f10e0000-0000-4000-8000-000000000004", "milestoneTime": began}}
	c.tell("flow.outcome", l, more)
}

// voicemail has a caller speak to a machine and go; the system wraps up.
func (c *conversation) voicemail(user string) {
	acd := c.waiting()
	if acd == nil {
		return
	}
	l := c.begin(acd.participant, acd.queue, "connected")
	common := func(topic string, more map[string]any) {
		body := c.common(l)
		body["userId"], body["queueId"], body["divisionId"] = user, l.queue, c.org.people.division.ID
		maps.Copy(body, more)
		c.publish(topic, body)
	}
	common("voicemail.start", nil)
	c.after(20*time.Second, func() {
		common("voicemail.end", map[string]any{"disconnectType": "PEER", "voicemailDurationMs": 20000})
		l.turn("", c.org.now)
		l.ended, l.state, l.disconnect = c.org.now, "disconnected", "PEER"
		c.tell("wrapup", l, map[string]any{"queueId": l.queue, "wrapupCode": wrapUpCodes[0].ID, "wrapupDurationMs": 0})
		c.leave("PEER")
	})
}
