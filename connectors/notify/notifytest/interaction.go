package notifytest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// SlackSigningSecret is that of the Slack twin's app.
const SlackSigningSecret = "TOP-SECRET-8f742231b10e8888abcd99yyyzzz85a5"

// Press returns the payload that Slack sends when a person presses a button of the
// message (docs.slack.dev/reference/interaction-payloads/block_actions-payload).
func (s *Slack) Press(ts, actionID, user string) (json.RawMessage, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	m := s.find(ts)
	if m == nil {
		return nil, errors.New("no such message")
	}
	var blocks []struct {
		Elements []struct {
			ActionID string `json:"action_id"`
			Value    string `json:"value"`
			Text     any    `json:"text"`
		} `json:"elements"`
	}
	if err := json.Unmarshal(m.Blocks, &blocks); err != nil {
		return nil, err
	}
	for _, b := range blocks {
		for _, e := range b.Elements {
			if e.ActionID == actionID && actionID != "" {
				return json.Marshal(map[string]any{
					"type": "block_actions", "api_app_id": "A0123456789", "token": "deprecated", "trigger_id": "13345224609.738474920.8088930838d88f008e0",
					"user":      map[string]any{"id": "U0123456789", "username": user, "name": user, "team_id": "T0123456789"},
					"team":      map[string]any{"id": "T0123456789", "domain": "acme"},
					"channel":   map[string]any{"id": Channel, "name": "alerts"},
					"container": map[string]any{"type": "message", "message_ts": ts, "channel_id": Channel, "is_ephemeral": false},
					"message":   map[string]any{"type": "message", "ts": ts, "text": m.Text, "blocks": m.Blocks},
					"actions": []map[string]any{{
						"type": "button", "action_id": actionID, "block_id": "b1", "value": e.Value, "text": e.Text, "action_ts": "1767611800.000100",
					}},
				})
			}
		}
	}
	return nil, fmt.Errorf("the message has no button %s", actionID)
}

// Signed returns the request that brings a payload to an app's Request URL, signed
// at an instant (docs.slack.dev/authentication/verifying-requests-from-slack).
func Signed(ctx context.Context, address string, payload json.RawMessage, secret string, at time.Time) *http.Request {
	body := url.Values{"payload": {string(payload)}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		panic(err) // the address is the test's
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

// socket is the twin's side of Socket Mode (docs.slack.dev/apis/events-api/using-socket-mode).
type socket struct {
	connected chan *websocket.Conn
}

func newSocket() *socket { return &socket{connected: make(chan *websocket.Conn, 8)} }

func (s *socket) open(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer "+SlackAppToken {
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": "invalid_auth"})
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "url": "ws://" + r.Host + "/socket?ticket=TOP-SECRET-ticket"})
}

func (s *socket) connect(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("ticket") != "TOP-SECRET-ticket" {
		http.Error(w, "invalid ticket", http.StatusForbidden)
		return
	}
	conn, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	_ = conn.WriteJSON(map[string]any{
		"type": "hello", "num_connections": 1,
		"connection_info": map[string]any{"app_id": "A0123456789"}, "debug_info": map[string]any{"host": "applink-1", "approximate_connection_time": 18060},
	})
	s.connected <- conn
}

// Connection waits for the app's next connection.
func (s *socket) Connection(ctx context.Context) (*websocket.Conn, error) {
	select {
	case c := <-s.connected:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Deliver sends a payload through a connection and waits for the app to say that it
// has arrived, as Slack does for three seconds.
func Deliver(conn *websocket.Conn, envelope string, payload json.RawMessage, patience time.Duration) error {
	if err := conn.WriteJSON(map[string]any{
		"envelope_id": envelope, "type": "interactive", "accepts_response_payload": true, "payload": payload,
	}); err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	var ack struct {
		EnvelopeID string `json:"envelope_id"`
	}
	if err := conn.ReadJSON(&ack); err != nil {
		return err
	}
	if ack.EnvelopeID != envelope {
		return fmt.Errorf("acknowledged %q, want %q", ack.EnvelopeID, envelope)
	}
	return nil
}
