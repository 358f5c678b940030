package notifytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/slack-go/slack/slacktest"
)

// Channel is the one channel of the Slack twin.
const Channel = "C0123456789"

// Tokens of the Slack twin.
const (
	SlackBotToken = "xoxb-TOP-SECRET-bot"
	SlackAppToken = "xapp-TOP-SECRET-app"
)

// SlackMessage is a message as it stands in the channel.
type SlackMessage struct {
	TS, Thread, Text string
	Blocks           json.RawMessage
	// Loud: a message of a thread that is shown in the channel too.
	Loud bool
	// Edits counts its changes.
	Edits int
}

// Slack is a twin of Slack's Web API, to be put before slack-go's slacktest, which
// accepts anything and cannot change messages. It knows chat.postMessage,
// chat.update, incoming webhooks and Socket Mode.
type Slack struct {
	refusals
	*socket
	lock     sync.Mutex
	messages []*SlackMessage
	posted   int
}

// NewSlack returns a Slack whose channel is empty.
func NewSlack() *Slack { return &Slack{socket: newSocket()} }

// Bind puts the strict handlers before those of slacktest.
func (s *Slack) Bind(c slacktest.Customize) {
	for pattern, h := range s.handlers() {
		c.Handle(pattern, h)
	}
}

func (s *Slack) handlers() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/chat.postMessage": s.web(s.post), "/chat.update": s.web(s.update),
		"/apps.connections.open": s.open, "/socket": s.connect, "/services/": s.webhook,
	}
}

// ServeHTTP implements http.Handler.
func (s *Slack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	for pattern, h := range s.handlers() {
		mux.HandleFunc(pattern, h)
	}
	mux.ServeHTTP(w, r)
}

// Secret implements Twin.
func (s *Slack) Secret() string { return SlackBotToken }

// Messages returns the channel's messages, oldest first.
func (s *Slack) Messages() []SlackMessage {
	s.lock.Lock()
	defer s.lock.Unlock()
	var all []SlackMessage
	for _, m := range s.messages {
		all = append(all, *m)
	}
	return all
}

// Delete removes a message, as a person may.
func (s *Slack) Delete(ts string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	for i, m := range s.messages {
		if m.TS == ts {
			s.messages = append(s.messages[:i], s.messages[i+1:]...)
			return
		}
	}
}

// next counts what was posted; a deleted message's ts does not come again.
func (s *Slack) next() int {
	s.posted++
	return s.posted
}

func (s *Slack) find(ts string) *SlackMessage {
	for _, m := range s.messages {
		if m.TS == ts {
			return m
		}
	}
	return nil
}

// web answers a method of the Web API: 200 with ok or with an error's word.
func (s *Slack) web(method func(r *http.Request) (*SlackMessage, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.lock.Lock()
		defer s.lock.Unlock()
		m, err := s.checked(r, method)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if err != nil {
			s.refuse("%s: %v", r.URL.Path, err)
			word, _, _ := strings.Cut(err.Error(), ":")
			_ = json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": word})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "channel": Channel, "ts": m.TS, "text": m.Text, "message": map[string]any{
			"type": "message", "text": m.Text, "ts": m.TS, "thread_ts": m.Thread, "blocks": m.Blocks,
		}})
	}
}

func (s *Slack) checked(r *http.Request, method func(*http.Request) (*SlackMessage, error)) (*SlackMessage, error) {
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		return nil, errors.New("invalid_form_data")
	}
	token := r.PostForm.Get("token")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token = bearer
	}
	switch {
	case r.URL.RawQuery != "":
		return nil, errors.New("invalid_arguments: a query")
	case token == "":
		return nil, errors.New("not_authed")
	case token != SlackBotToken:
		return nil, errors.New("invalid_auth")
	case r.PostForm.Get("channel") != Channel:
		return nil, errors.New("channel_not_found")
	}
	if err := checkText(r.PostForm.Get("text")); err != nil {
		return nil, err
	}
	blocks := r.PostForm.Get("blocks")
	if len([]rune(blocks)) > maxBlocksSize {
		return nil, errors.New("msg_blocks_too_long")
	}
	if err := checkBlocks(blocks); err != nil {
		return nil, fmt.Errorf("invalid_blocks: %w", err)
	}
	return method(r)
}

func (s *Slack) post(r *http.Request) (*SlackMessage, error) {
	m := &SlackMessage{
		TS:     fmt.Sprintf("1767611710.%06d", s.next()),
		Thread: r.PostForm.Get("thread_ts"), Text: r.PostForm.Get("text"), Blocks: json.RawMessage(r.PostForm.Get("blocks")),
		Loud: r.PostForm.Get("reply_broadcast") == "true",
	}
	if m.Thread != "" {
		if parent := s.find(m.Thread); parent == nil || parent.Thread != "" {
			return nil, errors.New("thread_not_found")
		}
	} else if m.Loud {
		return nil, errors.New("invalid_arguments: reply_broadcast without thread_ts")
	}
	s.messages = append(s.messages, m)
	return m, nil
}

func (s *Slack) update(r *http.Request) (*SlackMessage, error) {
	m := s.find(r.PostForm.Get("ts"))
	if m == nil {
		return nil, errors.New("message_not_found")
	}
	if r.PostForm.Get("thread_ts") != "" {
		return nil, errors.New("invalid_arguments: thread_ts")
	}
	m.Text, m.Blocks = r.PostForm.Get("text"), json.RawMessage(r.PostForm.Get("blocks"))
	m.Edits++
	return m, nil
}

// webhook answers an incoming webhook: ok, or 400 and a word.
func (s *Slack) webhook(w http.ResponseWriter, r *http.Request) {
	s.lock.Lock()
	defer s.lock.Unlock()
	m, err := s.incoming(r)
	if err != nil {
		s.refuse("webhook: %v", err)
		word, _, _ := strings.Cut(err.Error(), ":")
		http.Error(w, word, http.StatusBadRequest)
		return
	}
	s.messages = append(s.messages, m)
	_, _ = io.WriteString(w, "ok")
}

func (s *Slack) incoming(r *http.Request) (*SlackMessage, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		return nil, errors.New("invalid_payload")
	}
	o, err := parse(body)
	if err != nil {
		return nil, errors.New("invalid_payload")
	}
	// replace_original and delete_original are answers to interactions; Slack
	// ignores them here.
	if err := o.only("text", "blocks", "replace_original", "delete_original"); err != nil {
		return nil, fmt.Errorf("invalid_payload: %w", err)
	}
	if err := checkText(o.str("text")); err != nil {
		return nil, err
	}
	if err := checkBlocks(string(o["blocks"])); err != nil {
		return nil, fmt.Errorf("invalid_blocks: %w", err)
	}
	return &SlackMessage{TS: fmt.Sprintf("1767611710.%06d", s.next()), Text: o.str("text"), Blocks: o["blocks"]}, nil
}
