// Package notifytest is the suite that every destination behind HTTP passes: what
// it posts, how it reads answers, and that it never tells its address; and strict
// twins of the vendors' receivers, which refuse what the vendors would refuse.
//
// Reads: nothing.
// Writes: nothing.
package notifytest

import (
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"unpark/connectors/notify"
	"unpark/schemas"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the goldens in testdata; read the diff")

// Reference is what the destination under test is configured with.
const Reference = "env:UNPARK_TEST"

// secret is in the path and the query of every address the suite hands out.
const secret = "xoxb-TOP-SECRET"

// Destination is what is tested.
type Destination struct {
	// New returns the Notifier configured with Reference.
	New func(Target) notify.Notifier
	// Taken is the body of an answer that means the message was taken.
	Taken string
	// Token: Reference stands for a token, and Target.URL is the address. Otherwise
	// it stands for the address, which is the secret.
	Token bool
	// Twin returns a strict twin of the vendor's receiver. Unless Token, its Secret is
	// the path of the address.
	Twin func() Twin
	// Volatile are the headers whose values differ from run to run.
	Volatile []string
}

// Target is what a Notifier under test talks to.
type Target struct {
	Resolve func(ref string) (string, error)
	Client  *http.Client
	URL     string
}

// Run runs the suite. The payload's golden is named after the test.
func Run(t *testing.T, d Destination) {
	t.Run("payload", func(t *testing.T) { payload(t, d) })
	t.Run("kinds", func(t *testing.T) { kinds(t, d) })
	t.Run("twin", func(t *testing.T) { twin(t, d) })
	t.Run("answers", func(t *testing.T) { answers(t, d) })
	t.Run("cut", func(t *testing.T) { cut(t, d) })
	t.Run("endless", func(t *testing.T) { endless(t, d) })
	t.Run("timeout", func(t *testing.T) { timeout(t, d) })
	t.Run("unreachable", func(t *testing.T) { unreachable(t, d) })
	t.Run("redirect", func(t *testing.T) { redirect(t, d) })
	t.Run("secret", func(t *testing.T) { badSecret(t, d) })
}

// Message returns an escalation with every trap a text can hold.
func Message(t *testing.T) notify.Message {
	t.Helper()
	agent, queue := `Ada <!channel> & "Co"`, "Größe <b>"
	e := &schemas.Escalation{
		ID: "0000000000000000000000000000000a", Status: schemas.StatusRaised, Kind: "warning", Org: "org 1", Conversation: "c-1",
		Objective: "reply", TierSeconds: 12600, Policy: "whatsapp", PolicyVersion: "v1",
		Start: 1767368700000, Due: 1767611700000, At: 1767611710000, Elapsed: 12600,
		Queue: &schemas.QueueRef{Name: &queue}, Agent: &schemas.AgentRef{Name: &agent}, Explain: []schemas.Interval{},
	}
	value, err := schemas.EncodeEscalation(e)
	if err != nil {
		t.Fatal(err)
	}
	return notify.Message{
		Escalation: e, Value: value, OrgName: "Acme",
		AlertKey: e.ID + "/org 1/managers/0", MessageKey: e.ID + "/org 1/managers/0/alert",
	}
}

// Become returns a later message about m's alert, which was told as reference.
func Become(t *testing.T, m notify.Message, kind notify.Kind, reference notify.Reference) notify.Message {
	t.Helper()
	e := *m.Escalation
	mark := &notify.Mark{By: "Grace", At: e.At + 60_000, Until: e.At + 3_660_000}
	switch kind {
	case notify.Clear:
		e.Status, e.At, e.Elapsed = schemas.StatusCleared, e.At+600_000, e.Elapsed+600
	case notify.Retract:
		e.Status, e.At = schemas.StatusRetracted, e.At+600_000
	case notify.Acknowledge:
		m.Acknowledged = mark
	case notify.Snooze:
		m.Snoozed = mark
	case notify.Remind:
		m.Reminder = 1
	}
	value, err := schemas.EncodeEscalation(&e)
	if err != nil {
		t.Fatal(err)
	}
	m.Kind, m.Escalation, m.Value, m.Reference = kind, &e, value, reference
	m.MessageKey = m.AlertKey + "/" + kind.String()
	return m
}

// Digest returns a message about many alerts.
func Digest() notify.Message {
	from := time.Date(2026, 1, 5, 11, 55, 0, 0, time.UTC)
	return notify.Message{
		Kind: notify.Digest, OrgName: "Acme", AlertKey: "digest-1", MessageKey: "digest-1/1",
		Digest: &notify.Summary{From: from, To: from.Add(4 * time.Minute), Raised: 37, Cleared: 5, Groups: []notify.Group{
			{Queue: "Größe <b>", Agent: `Ada <!channel> & "Co"`, Raised: 30, Cleared: 5, Conversations: []string{"c-1", "c-2"}},
			{Queue: "Billing", Raised: 7, Conversations: []string{"c-3"}},
		}},
	}
}

// serve starts a server and returns the destination pointed at it.
func serve(t *testing.T, d Destination, h http.HandlerFunc) (notify.Notifier, *httptest.Server) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	behind := s.URL + "/services/" + secret + "?token=" + secret
	if d.Token {
		behind = secret
	}
	return build(d, s.URL, behind, s.Client()), s
}

// build returns the destination with a secret behind Reference.
func build(d Destination, url, behind string, client *http.Client) notify.Notifier {
	return d.New(Target{URL: url, Client: client, Resolve: func(ref string) (string, error) {
		if ref != Reference {
			return "", errors.New("unknown reference")
		}
		return behind, nil
	}})
}

// send returns the error of one message, after checking that it keeps the secret.
func send(t *testing.T, n notify.Notifier) error {
	t.Helper()
	_, err := n.Notify(t.Context(), Message(t))
	silent(t, err)
	return err
}

func silent(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "/services/")) {
		t.Errorf("the error tells the address: %v", err)
	}
}

// want checks the kind of an error.
func want(t *testing.T, err error, permanent bool, retryAfter time.Duration) *notify.Error {
	t.Helper()
	e, ok := errors.AsType[*notify.Error](err)
	switch {
	case !ok:
		t.Fatalf("got %v, want a *notify.Error", err)
	case e.Permanent != permanent:
		t.Errorf("%v: permanent is %v, want %v", err, e.Permanent, permanent)
	case e.RetryAfter != retryAfter:
		t.Errorf("%v: retry after %v, want %v", err, e.RetryAfter, retryAfter)
	case e.Reason == "":
		t.Errorf("%v: no reason", err)
	}
	return e
}

func golden(t *testing.T, got string) {
	t.Helper()
	file := "testdata/" + strings.ReplaceAll(t.Name(), "/", "_") + ".golden"
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	wanted, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(wanted), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
