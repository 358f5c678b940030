package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/internal/localtest"
)

// TestForeignConsumer has a program in another language read the escalations: it
// finds exactly those that follow from the stories, each as the schema and
// CloudEvents have it, and nothing of a transaction that was aborted.
func TestForeignConsumer(t *testing.T) {
	parallel(t)
	python := localtest.Python(t)
	stories := parkedStories(30)
	d := deploy(t, localtest.SharedKafka(t), archive(t, stories))
	var want []escalation
	for _, s := range stories {
		want = append(want, s.want...)
	}
	p := d.run("unpark")
	delivered(t, d, want, time.Minute)
	p.stop()
	abort(d)
	if n := uncommitted(d); n <= len(want) {
		t.Fatalf("without read_committed there are %d records, want more than %d: nothing was aborted", n, len(want))
	}

	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), python, "testdata/consume.py", d.broker, d.topic("escalations"), filepath.Join("..", "schemas", "escalation.schema.json"))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("consume.py: %v\n%s", err, stderr.String())
	}
	var ids []string
	for _, e := range want {
		ids = append(ids, e.ID+" "+e.Status)
	}
	if diff := cmp.Diff(counts(ids), counts(strings.Split(strings.TrimSpace(stdout.String()), "\n"))); diff != "" {
		t.Errorf("the foreign consumer read (-want +got):\n%s", diff)
	}
}

// parkedStories are alerts that have been due for long.
func parkedStories(n int) []*story {
	var stories []*story
	for i := range n {
		s := newStory(orgs[i%len(orgs)], fmt.Sprintf("parked-%d", i))
		plot := []func(*story, time.Time){parked, parked, silent}[i%3]
		plot(s, time.Now().Add(-5*time.Hour-time.Duration(i)*time.Minute).Truncate(time.Millisecond))
		stories = append(stories, s)
	}
	return stories
}

// archive writes the stories into a file and returns it as a source of the
// bridge.
func archive(t *testing.T, stories []*story) string {
	t.Helper()
	var lines bytes.Buffer
	for _, s := range stories {
		for _, e := range s.events {
			lines.Write(e.body())
			lines.WriteByte('\n')
		}
	}
	file := filepath.Join(t.TempDir(), "archive.jsonl")
	if err := os.WriteFile(file, lines.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{file: {path: "%s"}}`, file)
}

// abort leaves records of an aborted transaction in every partition, as a
// processor does that dies before its commit.
func abort(d *deployment) {
	d.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(d.broker), kgo.TransactionalID(d.prefix+"aborter"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		d.t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		d.t.Fatal(err)
	}
	for partition := range int32(4) {
		r := &kgo.Record{Topic: d.topic("escalations"), Partition: partition, Key: []byte("aborted"), Value: []byte(`{"never": "happened"}`)}
		if err := cl.ProduceSync(d.t.Context(), r).FirstErr(); err != nil {
			d.t.Fatal(err)
		}
	}
	if err := cl.EndTransaction(d.t.Context(), kgo.TryAbort); err != nil {
		d.t.Fatal(err)
	}
}

// uncommitted counts the records of the topic for a reader who does not ask for
// read_committed.
func uncommitted(d *deployment) int {
	d.t.Helper()
	return len(followAs(d, "escalations", kgo.ReadUncommitted()).all())
}
