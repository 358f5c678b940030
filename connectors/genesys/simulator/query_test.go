package simulator

import (
	"fmt"
	"testing"
	"time"
)

const queryPath = "/api/v2/analytics/conversations/details/query"

// openOnes asks for the open conversations that started in an interval.
func openOnes(interval string, size, page int) string {
	return fmt.Sprintf(`{"interval":%q,"order":"asc","orderBy":"conversationStart","paging":{"pageSize":%d,"pageNumber":%d},
		"conversationFilters":[{"type":"and","predicates":[{"type":"dimension","dimension":"conversationEnd","operator":"notExists"}]}],
		"segmentFilters":[{"type":"or","predicates":[{"dimension":"mediaType","value":"email"},{"dimension":"mediaType","value":"message"}]}]}`, interval, size, page)
}

func TestQueryFindsOpenConversationsByTheirStart(t *testing.T) {
	f := newField(t, nil)
	open := map[string]bool{}
	for i := range 7 {
		open[f.Open(Opening{At: monday.Add(time.Duration(i) * time.Minute)}, parked)] = true
	}
	f.Open(Opening{At: monday, Media: Voice}, func(s *Script) { s.Wait(time.Minute); s.Take() })
	f.Open(Opening{At: monday}, func(s *Script) { parked(s); s.Wait(time.Minute); s.Close() })
	f.step(monday.Add(30 * time.Hour))
	f.login()
	for page := 1; page <= 3; page++ {
		_, _, a := f.call("POST", queryPath, openOnes("2026-03-02T23:00:00Z/2026-03-03T12:00:00Z", 3, page))
		if a.number("totalHits") != 7 || len(a.list("conversations")) != []int{3, 3, 1}[page-1] {
			t.Errorf("page %d: %v", page, a)
		}
		for _, c := range a.list("conversations") {
			delete(open, c.text("conversationId"))
		}
	}
	if len(open) > 0 {
		t.Errorf("not found: %v", open)
	}
	_, _, a := f.call("POST", queryPath, openOnes("2026-03-03T00:00:00Z/2026-03-04T00:00:00Z", 3, 1))
	if _, ok := a["conversations"]; a.number("totalHits") != 0 || ok {
		t.Errorf("an interval that does not reach back to the start finds %v", a)
	}
}

func TestQueryRefuses(t *testing.T) {
	f := newField(t, nil)
	for name, body := range map[string]string{
		"no JSON":          `{`,
		"no interval":      `{}`,
		"backwards":        openOnes("2026-03-03T00:00:00Z/2026-03-02T00:00:00Z", 3, 1),
		"too long":         openOnes("2026-01-01T00:00:00Z/2026-03-02T00:00:00Z", 3, 1),
		"large page":       openOnes("2026-03-02T00:00:00Z/2026-03-03T00:00:00Z", 101, 1),
		"unknown operator": `{"interval":"2026-03-02T00:00:00Z/2026-03-03T00:00:00Z","conversationFilters":[{"type":"and","predicates":[{"dimension":"conversationEnd","operator":"absent"}]}]}`,
	} {
		if status, _, a := f.call("POST", queryPath, body); status != 400 || a.text("code") != "bad.request" {
			t.Errorf("%s: %d %v", name, status, a)
		}
	}
}
