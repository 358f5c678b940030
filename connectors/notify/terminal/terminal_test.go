package terminal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"unpark/connectors/notify"
	"unpark/connectors/notify/terminal"
	"unpark/schemas"
)

func message() notify.Message {
	agent := "Ada"
	return notify.Message{Escalation: &schemas.Escalation{
		Status: "raised", Kind: "warning", Conversation: "c-1", Objective: "reply", TierSeconds: 12600, Policy: "p",
		At: 1767612600000, Agent: &schemas.AgentRef{Name: &agent},
	}}
}

func TestOneLine(t *testing.T) {
	var out bytes.Buffer
	if _, err := terminal.New(&out).Notify(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	const want = "2026-01-05 11:30:00 UTC  SLA WARNING: Conversation c-1 has been open for 3.5 hours. " +
		"It is currently locked by agent Ada. Please intervene.  (Agent: Ada · Waiting: 0 seconds counted, since Thu 1 Jan 00:00 UTC · Rule: reply, warning at 3.5 hours, policy p, due Thu 1 Jan 00:00 UTC · Checked: not verified, events alone say so)\n"
	if got := out.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestColorOnlyIfAsked(t *testing.T) {
	var out bytes.Buffer
	if _, err := terminal.New(&out, terminal.Color()).Notify(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "\x1b[33mSLA WARNING") {
		t.Errorf("no color in %q", out.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("closed pipe") }

func TestBrokenWriterIsRetryable(t *testing.T) {
	_, err := terminal.New(broken{}).Notify(t.Context(), message())
	e, ok := errors.AsType[*notify.Error](err)
	if !ok || e.Permanent || e.Reason != "write" {
		t.Errorf("got %v, want a retryable error with reason write", err)
	}
}
