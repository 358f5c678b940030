package genesys

import (
	"net/http"
	"testing"

	"unpark/schemas"
)

// Whatever Genesys answers, a look ends with an observation that holds together
// or with an error that has a reason.
func FuzzObserve(f *testing.F) {
	f.Add(fixture(f, "message.json"), fixture(f, "thread.json"), fixture(f, "details.json"))
	f.Add(fixture(f, "email.json"), fixture(f, "thread.json"), fixture(f, "details.json"))
	f.Add(`{"participants":[{"emails":[{}]}]}`, `{"entities":[null]}`, `null`)
	f.Fuzz(func(t *testing.T, conv, thread, details string) {
		tw := newTwin()
		tw.answer(getConversation, http.StatusOK, conv)
		tw.answer(getMails, http.StatusOK, thread)
		tw.answer(getDetails, http.StatusOK, details)
		o, err := observe(t, tw)
		if err != nil {
			if asError(err).Reason == "" {
				t.Errorf("%v has no reason", err)
			}
			return
		}
		last := int64(0)
		for _, m := range o.Messages {
			if m.AtMs < last || m.By == schemas.Author_AUTHOR_UNSPECIFIED {
				t.Errorf("message %v after %d", m, last)
			}
			last = m.AtMs
		}
		if o.EndedAtMs != nil && o.Agent != nil {
			t.Errorf("over, and %v holds it", o.Agent)
		}
	})
}
