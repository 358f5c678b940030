package genesys

import (
	"context"
	"time"

	"unpark/connectors/genesys/api"
)

// Finding is what trying one call of an org's API has shown.
type Finding struct {
	// Call is what was tried, and For what unpark needs it.
	Call string `json:"call"`
	For  string `json:"for"`
	// Permission is the one that the client's roles must have; empty: none.
	Permission string `json:"permission"`
	OK         bool   `json:"ok"`
	// NotTried: the call changes something.
	NotTried bool `json:"notTried"`
	// Reason and Problem say what is wrong; empty if nothing is.
	Reason  string `json:"reason,omitempty"`
	Problem string `json:"problem,omitempty"`
}

const (
	permissionConversation = "conversation:communication:view"
	permissionDetails      = "analytics:conversationDetail:view"
	permissionQueue        = "routing:queue:view"
	permissionGroup        = "routing:scheduleGroup:view"
	permissionSchedule     = "routing:schedule:view"
	permissionTransfer     = "conversation:communication:blindTransfer"
	permissionDisconnect   = "conversation:communication:disconnect"

	// nobody is an id that nothing has: that it is not found shows that it was
	// allowed to look.
	nobody = "00000000-0000-4000-8000-000000000000"
)

// Check tries every read that unpark makes, once, and changes nothing. The first
// finding is the token; without one nothing else is tried.
func (c *Client) Check(ctx context.Context) []Finding {
	id := nobody
	try := func(call, purpose, permission string, err error) Finding {
		return finding(Finding{Call: call, For: purpose, Permission: permission}, err)
	}
	now := c.clock.Now()
	found, err := c.open(ctx, now.Add(-24*time.Hour), now, 1, 1)
	if err != nil && (asError(err).Call == tokenCall || asError(err).Reason == ReasonCredentials) {
		return []Finding{try(tokenCall, "everything", "", err)}
	}
	if len(found) > 0 && found[0].ConversationId != "" {
		id = found[0].ConversationId
	}
	all := []Finding{
		try(tokenCall, "everything", "", nil),
		try("POST /api/v2/analytics/conversations/details/query", "backfill", permissionDetails, err),
	}
	_, err = c.Conversation(ctx, id)
	all = append(all, try("GET /api/v2/conversations/{id}", "checks", permissionConversation, err))
	_, err = c.Mails(ctx, id)
	all = append(all, try("GET /api/v2/conversations/emails/{id}/messages", "checks of e-mails", "", err))
	_, err = c.Details(ctx, id)
	all = append(all, try("GET /api/v2/analytics/conversations/{id}/details", "checks: whose mail it is", permissionDetails, err))
	_, err = decode[api.User](c.api.GetUser(ctx, nobody))
	all = append(all, try("GET /api/v2/users/{id}", "names of agents", "", err))
	_, err = decode[api.Queue](c.api.GetRoutingQueue(ctx, nobody))
	all = append(all, try("GET /api/v2/routing/queues/{id}", "names of queues", permissionQueue, err))
	_, err = c.QueuesNamed(ctx, "unpark")
	all = append(all, try("GET /api/v2/routing/queues", "queue_name in org files", permissionQueue, err))
	_, err = c.ScheduleGroup(ctx, nobody)
	all = append(all, try("GET /api/v2/architect/schedulegroups/{id}", "opening hours", permissionGroup, err))
	_, err = c.Schedule(ctx, nobody)
	all = append(all, try("GET /api/v2/architect/schedules/{id}", "opening hours", permissionSchedule, err))
	return append(all,
		Finding{Call: "POST /api/v2/conversations/{media}/{id}/participants/{id}/replace", For: "action requeue", Permission: permissionTransfer, NotTried: true},
		Finding{Call: "PATCH /api/v2/conversations/{media}/{id}/participants/{id}", For: "action disconnect", Permission: permissionDisconnect, NotTried: true},
	)
}

// finding judges a call: that nothing was found is as good as an answer.
func finding(f Finding, err error) Finding {
	if err == nil || asError(err).Reason == ReasonNotFound {
		f.OK = true
		return f
	}
	f.Reason, f.Problem = asError(err).Reason, err.Error()
	return f
}
