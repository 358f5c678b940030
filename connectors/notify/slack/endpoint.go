package slack

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	slackapi "github.com/slack-go/slack"

	"unpark/connectors/notify"
)

// maxPayload bounds an interaction; Slack's have some 10 KiB.
const maxPayload = 256 << 10

// Interact takes what a person did; an error means that it did not arrive, and
// Slack shows the person a failure.
type Interact func(context.Context, notify.Interaction) error

// Endpoint answers Slack's interaction requests (the app's Request URL). secrets
// returns the signing secrets of all apps; a request signed with none of them, or
// more than five minutes ago, is refused.
func Endpoint(secrets func() []string, interact Interact) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
		switch {
		case r.Method != http.MethodPost:
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
		case err != nil:
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
		case !signed(r.Header, body, secrets()):
			http.Error(w, "not signed by Slack", http.StatusUnauthorized)
		default:
			w.WriteHeader(handle(r.Context(), body, interact))
		}
	})
}

// signed checks Slack's signature over the raw body.
func signed(h http.Header, body []byte, secrets []string) bool {
	for _, s := range secrets {
		v, err := slackapi.NewSecretsVerifier(h, s)
		if err != nil {
			continue
		}
		if _, err := v.Write(body); err == nil && v.Ensure() == nil {
			return true
		}
	}
	return false
}

// handle hands the interactions of a request's body on and returns the status to
// answer with.
func handle(ctx context.Context, body []byte, interact Interact) int {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return http.StatusBadRequest
	}
	var c slackapi.InteractionCallback
	if err := json.Unmarshal([]byte(form.Get("payload")), &c); err != nil {
		return http.StatusBadRequest
	}
	for _, i := range interactions(c) {
		if err := interact(ctx, i); err != nil {
			return http.StatusServiceUnavailable
		}
	}
	return http.StatusOK
}
