package notifytest

import (
	"io"
	"net/http"
	"slices"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"unpark/schemas"
)

// WebhookKey is the key of the Webhook twin.
const WebhookKey = "whsec_VE9QLVNFQ1JFVC1rZXktb2YtdGhlLXR3aW4="

// Webhook is a receiver of signed webhooks: it refuses what is not signed with
// WebhookKey in the last five minutes, and what is no escalation.
type Webhook struct {
	refusals
	lock sync.Mutex
	ids  []string
}

// Secret implements Twin.
func (h *Webhook) Secret() string { return "/in/TOP-SECRET" }

// IDs returns the ids of what it took, oldest first; an id that comes twice is one
// message.
func (h *Webhook) IDs() []string {
	h.lock.Lock()
	defer h.lock.Unlock()
	return slices.Clone(h.ids)
}

// ServeHTTP implements http.Handler.
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = verify(r.Header, body)
	}
	if err == nil {
		_, err = schemas.DecodeEscalation(body)
	}
	if err != nil {
		h.refuse("webhook: %v", err)
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	h.lock.Lock()
	defer h.lock.Unlock()
	h.ids = append(h.ids, r.Header.Get(standardwebhooks.HeaderWebhookID))
	w.WriteHeader(http.StatusNoContent)
}

func verify(header http.Header, body []byte) error {
	key, err := standardwebhooks.NewWebhook(WebhookKey)
	if err != nil {
		return err
	}
	return key.Verify(body, header)
}
