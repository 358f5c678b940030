package genesys_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"unpark/clock"
	"unpark/connectors/genesys"
	"unpark/connectors/genesys/simulator"
	"unpark/schemas"
)

// inMemory serves a handler without a network.
type inMemory struct{ http.Handler }

func (m inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	m.ServeHTTP(rec, r)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// What is observed of every conversation of a working day is what the simulator
// knows to be so.
func TestObservesWhatIsSo(t *testing.T) {
	for name, unknowns := range map[string]simulator.Unknowns{
		"likely": {}, "others": {ParkingEndsSession: true, MailStartsSession: true, ReopenKeepsParticipant: true, EndWaitsForWrapUp: true},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { observeAll(t, unknowns) }) })
	}
}

func observeAll(t *testing.T, unknowns simulator.Unknowns) {
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	clk := clock.Scaled(start, 1)
	org, err := simulator.New(simulator.Config{ID: "o", Seed: 1, Now: clk.Now, Unknowns: unknowns, Limits: simulator.Limits{PerMinute: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	org.Populate(200, start, start.Add(4*time.Hour), simulator.Stories())
	id, secret := org.Client()
	client := genesys.NewClient(genesys.Connection{API: "https://api.twin.example", ClientID: "id", ClientSecret: "secret", RatePerMinute: 1 << 20}, genesys.ClientDeps{
		Clock: clk, Log: slog.New(slog.DiscardHandler), Transport: inMemory{simulator.NewRegion(org)},
		Resolve: func(ref string) (string, error) { return map[string]string{"id": id, "secret": secret}[ref], nil },
	})
	looks, waits, ends := 0, 0, 0
	for range 7 {
		time.Sleep(time.Hour)
		org.Advance(clk.Now())
		for _, truth := range org.Truth() {
			if truth.Media == "voice" || len(truth.Episodes) == 0 {
				continue
			}
			o, err := client.Observe(t.Context(), truth.Conversation)
			if err != nil {
				t.Fatalf("%s: %v", truth.Story, err)
			}
			looks++
			compare(t, truth, o)
			if o.EndedAtMs != nil {
				ends++
			}
			if w := truth.Waits(); len(w) > 0 && w[len(w)-1].Until.IsZero() {
				waits++
			}
		}
	}
	if looks < 500 || waits == 0 || ends == 0 {
		t.Errorf("%d looks, %d waits, %d ends", looks, waits, ends)
	}
}

func compare(t *testing.T, truth simulator.Truth, o *schemas.ThreadObserved) {
	t.Helper()
	episode := truth.Episodes[len(truth.Episodes)-1]
	if over := !episode.Until.IsZero(); over != (o.EndedAtMs != nil) {
		t.Errorf("%s %s: over %v at %v, observed %v", truth.Story, truth.Media, over, episode.Until, o)
	}
	if a := o.Agent; a != nil && (len(truth.Holds) == 0 || truth.Holds[len(truth.Holds)-1].User != a.Id) {
		t.Errorf("%s %s: held by %v, want the last of %v", truth.Story, truth.Media, a, truth.Holds)
	}
	by := map[simulator.Author]schemas.Author{simulator.Customer: schemas.Author_AUTHOR_CUSTOMER, simulator.Agent: schemas.Author_AUTHOR_AGENT, simulator.Bot: schemas.Author_AUTHOR_BOT}
	if truth.Media == "email" { // a machine's mails are left out
		truth.Turns = slices.DeleteFunc(slices.Clone(truth.Turns), func(t simulator.Turn) bool { return t.By == simulator.Bot })
	}
	if len(o.Messages) != len(truth.Turns) {
		t.Errorf("%s %s: %d messages, want %d: %v; %v", truth.Story, truth.Media, len(o.Messages), len(truth.Turns), o.Messages, truth.Turns)
		return
	}
	for i, turn := range truth.Turns {
		if m := o.Messages[i]; m.By != by[turn.By] || m.AtMs != turn.At.UnixMilli() {
			t.Errorf("%s %s: message %d is %v, want %v", truth.Story, truth.Media, i, m, turn)
		}
	}
}
