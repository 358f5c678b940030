package e2e

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"unpark/internal/localtest"
)

// TestStopAndStartAgain takes a process through its life: not ready while a
// source cannot be read, then ready; ended at once by a second signal while the
// first waits for Slack; started again on what it left, with the archive read
// from its start once more, and stopped gracefully. Everything is raised once.
func TestStopAndStartAgain(t *testing.T) {
	parallel(t)
	gate := newGate(t, localtest.SharedElasticMQ(t))
	q := createQueue(t, gate.behind, "gated", nil)
	stories := parkedStories(12)
	var want []escalation
	for _, s := range stories {
		want = append(want, s.want...)
	}
	gated := fmt.Sprintf(`{sqs: {url: "%s"}}`, strings.Replace(q.url, gate.behind, gate.URL, 1))
	d := deploy(t, localtest.SharedKafka(t), archive(t, stories)+", "+gated)
	log := follow(d, "escalations")
	d.told.hang()

	dir := d.folder("unpark")
	p := d.runFolder("first", dir)
	address := p.address()
	expect(t, address+"/healthz", http.StatusOK, "ok")
	for _, role := range []string{"processor", "notifier"} {
		eventually(t, time.Minute, role+" is ready", func() error {
			_, body, err := get(address + "/readyz")
			if err == nil && !strings.Contains(body, role+": ready") {
				err = fmt.Errorf("%s", body)
			}
			return err
		})
	}
	expect(t, address+"/readyz", http.StatusServiceUnavailable, "bridge: sqs:")
	gate.open.Store(true)
	p.ready()
	expect(t, address+"/readyz", http.StatusOK, "bridge: ready")
	expect(t, address+"/metrics", http.StatusOK, "unpark_stream_records_total ")

	eventually(t, time.Minute, "everything is raised", func() error {
		if n := log.count(); n < len(want) || d.told.hanging() == 0 {
			return fmt.Errorf("%d of %d", n, len(want))
		}
		return nil
	})
	endAtOnce(t, p, address)
	if said := d.told.said(); len(said) > 0 {
		t.Errorf("Slack was told %q before it answered", said)
	}

	d.told.release()
	again := d.runFolder("second", dir).ready()
	delivered(t, d, want, time.Minute)
	eventually(t, time.Minute, "the archive is read again", func() error {
		return again.atLeast("unpark_bridge_produced_total", messages(stories))
	})
	again.stop()
	p.noErrors("cannot read the queue's attributes") // while the gate was shut
	again.noErrors()
	if diff := cmp.Diff(sorted(want), sorted(log.escalations())); diff != "" {
		t.Errorf("on the topic (-want +got):\n%s", diff)
	}
	if n := len(d.told.said()); n != len(want) {
		t.Errorf("Slack took %d lines, want %d", n, len(want))
	}
}

// endAtOnce sends a signal, which is heard and waits for Slack, and a second one.
func endAtOnce(t *testing.T, p *process, address string) {
	t.Helper()
	p.signal(syscall.SIGTERM)
	eventually(t, 5*time.Second, "the first signal is heard", func() error {
		if _, _, err := get(address + "/healthz"); err == nil {
			return errNotYet
		}
		return nil
	})
	select {
	case <-p.exited:
		t.Fatalf("%s ended while Slack was being told", p.name)
	default:
	}
	begun := time.Now()
	p.signal(syscall.SIGTERM)
	if code := p.wait(2 * time.Second); code == 0 {
		t.Errorf("%s ended with exit code 0 after the second signal", p.name)
	}
	t.Logf("the second signal ended it after %v", time.Since(begun))
}

func expect(t *testing.T, url string, status int, text string) {
	t.Helper()
	got, body, err := get(url)
	if err != nil || got != status || !strings.Contains(body, text) {
		t.Errorf("%s: %d %q (%v), want %d with %q", url, got, body, err, status, text)
	}
}

// gate stands before a server and lets nobody through until it is open.
type gate struct {
	*httptest.Server
	behind string
	open   atomic.Bool
}

func newGate(t *testing.T, behind string) *gate {
	t.Helper()
	to, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{behind: behind}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // clients that went away
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.open.Load() {
			http.Error(w, "closed", http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}
