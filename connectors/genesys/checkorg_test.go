package genesys

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

// missing lists what Check finds wrong, by call and reason.
func missing(t *testing.T, c *Client) string {
	t.Helper()
	var wrong []string
	for _, f := range c.Check(t.Context()) {
		if !f.OK && !f.NotTried {
			wrong = append(wrong, f.Call+" "+f.Permission+" "+f.Reason)
		}
	}
	return strings.Join(wrong, "; ")
}

func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		tw.answer("/", http.StatusNotFound, `{}`)
		tw.answer("POST /api/v2/analytics/conversations/details/query", 200, `{"conversations":[{"conversationId":"c"}],"totalHits":1}`)
		tw.answer("GET /api/v2/routing/queues", 200, `{"entities":[]}`)
		tw.answer(getConversation, http.StatusForbidden, `{"message":"You are missing the following permission(s): conversation:communication:view"}`)
		tw.answer("GET /api/v2/architect/schedules/{id}", http.StatusForbidden, `{}`)
		want := "GET /api/v2/conversations/{id} conversation:communication:view forbidden; GET /api/v2/architect/schedules/{id} routing:schedule:view forbidden"
		if got := missing(t, testClient(tw)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		for _, call := range tw.calls {
			if !strings.HasPrefix(call, "GET ") && call != "POST /oauth/token" && call != "POST /api/v2/analytics/conversations/details/query" {
				t.Errorf("%s changes something", call)
			}
		}

		wrong := testClient(tw, func(c *Connection) { c.ClientSecret = "env:UNPARK_WRONG" })
		if got, want := missing(t, wrong), "POST /oauth/token  credentials"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

// A listing that has no end is refused.
func TestEndlessPaging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		tw.answer("GET /api/v2/routing/queues", 200, `{"entities":[`+strings.Repeat(`{"id":"q"},`, pageSize-1)+`{"id":"q"}]}`)
		_, err := testClient(tw).QueuesNamed(t.Context(), "q")
		wantReason(t, err, ReasonBadAnswer, "does not end")
		if n := tw.called("GET /api/v2/routing/queues"); n != maxPages {
			t.Errorf("%d pages", n)
		}
	})
}
