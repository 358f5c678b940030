package notifytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/atc0005/go-teams-notify/v2/adaptivecard"
)

// maxTeams is what a workflow takes of a message.
const maxTeams = 28 << 10

// Teams is a twin of a Teams workflow that posts the card it is sent. It reads the
// message with go-teams-notify, which knows the schema's rules, and then looks at
// what that library does not check.
type Teams struct {
	refusals
	lock  sync.Mutex
	cards []json.RawMessage
}

// Secret implements Twin.
func (t *Teams) Secret() string { return "/workflows/TOP-SECRET/triggers/manual/paths/invoke" }

// Cards returns the cards it took, oldest first.
func (t *Teams) Cards() []json.RawMessage {
	t.lock.Lock()
	defer t.lock.Unlock()
	return slices.Clone(t.cards)
}

// ServeHTTP implements http.Handler.
func (t *Teams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json":
		t.refuse("teams: no JSON posted")
		http.Error(w, "TriggerInputSchemaMismatch", http.StatusBadRequest)
		return
	case len(body) > maxTeams:
		t.refuse("teams: %d bytes", len(body))
		http.Error(w, "RequestEntityTooLarge", http.StatusRequestEntityTooLarge)
		return
	}
	card, err := checkCard(body)
	if err != nil {
		t.refuse("teams: %v", err)
		http.Error(w, "BadRequest", http.StatusBadRequest)
		return
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	t.cards = append(t.cards, card)
	w.WriteHeader(http.StatusAccepted)
}

func checkCard(body []byte) (json.RawMessage, error) {
	var m adaptivecard.Message
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	o, err := parse(body)
	if err != nil {
		return nil, err
	}
	if err := o.only("type", "attachments"); err != nil {
		return nil, err
	}
	if n := len(o.list("attachments")); n != 1 {
		return nil, fmt.Errorf("%d attachments", n)
	}
	a, err := parse(o.list("attachments")[0])
	if err != nil {
		return nil, err
	}
	card, err := parse(a["content"])
	if err != nil {
		return nil, err
	}
	return a["content"], errors.Join(a.only("contentType", "contentUrl", "content"),
		card.only("type", "$schema", "version", "fallbackText", "msteams", "body", "actions"),
		each(card.list("body"), checkElement), each(card.list("actions"), checkOpenURL))
}

func checkElement(o object) error {
	switch o.str("type") {
	case "Container":
		style := o.str("style")
		if !slices.Contains([]string{"default", "emphasis", "good", "attention", "warning", "accent"}, style) {
			return fmt.Errorf("container of style %q", style)
		}
		return errors.Join(o.only("type", "style", "bleed", "spacing", "items"), each(o.list("items"), checkElement))
	case "RichTextBlock":
		if len(o.list("inlines")) == 0 {
			return errors.New("a RichTextBlock without inlines")
		}
		return errors.Join(o.only("type", "spacing", "inlines"), each(o.list("inlines"), checkTextRun))
	}
	return fmt.Errorf("element %q", o.str("type"))
}

func checkTextRun(o object) error {
	if o.str("type") != "TextRun" {
		return fmt.Errorf("inline %q", o.str("type"))
	}
	return errors.Join(o.only("type", "text", "weight", "size", "isSubtle"), length("TextRun", o.str("text"), maxTeams))
}

func checkOpenURL(o object) error {
	if o.str("type") != "Action.OpenUrl" {
		return fmt.Errorf("action %q", o.str("type"))
	}
	return errors.Join(o.only("type", "title", "url"), length("title", o.str("title"), 100), checkURL(o.str("url")))
}
