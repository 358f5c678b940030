package eventbridge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestFileIsReadOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl.gz")
	ids, bodies := conversations("c", 5000) // more than may be in flight
	content := strings.Join(bodies, "\n") + "\nnonsense\n" + strings.Repeat("x", MaxEnvelope+1) + "\n" + userStart("last")
	if err := os.WriteFile(path, compressed(t, content), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newField(t, nil, Source{File: &File{Path: path}})
	f.run()
	records := f.events(len(ids) + 1)
	if records["last"] == nil {
		t.Error("the last line, without newline, is missing")
	}
	f.progress("now, after the end", func(_ *kgo.Record, upTo int64) bool { return upTo >= f.started.UnixMilli() })
	f.ready()
	if err := f.halt(); err != nil {
		t.Error(err)
	}
	m := f.bridge.metrics
	got := []float64{
		f.count(m.received, "file:events.jsonl.gz"), f.count(m.produced, "file:events.jsonl.gz"),
		f.count(m.undecodable, "file:events.jsonl.gz", string(NotJSON)), f.count(m.undecodable, "file:events.jsonl.gz", string(TooLarge)),
	}
	if diff := cmp.Diff([]float64{5003, 5001, 1, 1}, got); diff != "" {
		t.Errorf("received, produced, not_json, too_large: %s", diff)
	}
	if logs := f.logs.String(); !strings.Contains(logs, "the file was read") || !strings.Contains(logs, "count=5001") {
		t.Errorf("logs: %s", logs)
	}
}

func TestFileInTheMiddleClaimsItsOwnTime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "half.jsonl.gz")
	whole := compressed(t, strings.Repeat(userStart("c")+"\n", 100))
	if err := os.WriteFile(path, whole[:len(whole)-8], 0o600); err != nil {
		t.Fatal(err)
	}
	f := newField(t, nil, Source{File: &File{Path: path}})
	f.run()
	f.progress("the lines' own time", func(_ *kgo.Record, upTo int64) bool { return upTo == 1772442903949 })
	if err := f.halt(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(f.logs.String(), "could not be read to its end") {
		t.Errorf("logs: %s", f.logs.String())
	}
}

func TestMissingFileEndsTheBridge(t *testing.T) {
	f := newField(t, nil, Source{File: &File{Path: filepath.Join(t.TempDir(), "missing.jsonl")}})
	f.run()
	select {
	case <-f.stopped:
		if f.err == nil || !strings.Contains(f.err.Error(), "file:missing.jsonl") {
			t.Errorf("got %v", f.err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Run goes on")
	}
}

// A stop is heard while standard input has not said its first bytes, for which opening it
// waits.
func TestStopBeforeStandardInputSpeaks(t *testing.T) {
	silent, mouth, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin := os.Stdin
	os.Stdin = silent
	t.Cleanup(func() { os.Stdin = stdin })
	f := newField(t, nil, Source{File: &File{Path: "-"}})
	f.run()
	t.Cleanup(func() { _ = mouth.Close() })
	if err := f.halt(); err != nil {
		t.Error(err)
	}
	if f.bridge.Ready() == nil {
		t.Error("ready before anything could be read")
	}
	if err := mouth.Close(); err != nil {
		t.Error(err)
	}
	f.ready() // whoever still opened it is done with it
}

func TestFeed(t *testing.T) {
	feed := make(chan []byte)
	f := newField(t, feed)
	if f.bridge.Ready() == nil {
		t.Error("ready before it runs")
	}
	f.run()
	for _, raw := range []string{userStart("a"), "nonsense", goodObservation, userStart("b")} {
		feed <- []byte(raw)
	}
	f.events(2)
	f.progress("now", func(r *kgo.Record, upTo int64) bool {
		return upTo >= f.started.UnixMilli() && upTo <= r.Timestamp.UnixMilli()
	})
	f.ready()
	close(feed)
	f.progress("now, after the feed has ended", func(*kgo.Record, int64) bool { return true })
	if err := f.halt(); err != nil {
		t.Error(err)
	}
	m := f.bridge.metrics
	if got := f.count(m.produced, "demo"); got != 3 {
		t.Errorf("produced %v", got)
	}
}
