package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkReplayFiles is one envelope of a file: a centre in which 2,000
// conversations are open at a time, each of six events within an hour; one of
// twenty waits for eight.
func BenchmarkReplayFiles(b *testing.B) {
	dir := b.TempDir()
	rules := filepath.Join(dir, "config", "orgs")
	if err := os.MkdirAll(rules, 0o700); err != nil {
		b.Fatal(err)
	}
	org := "id: 32aa07aa-0000-4000-8000-9483601ec29d\nroutes: {default: [{terminal: {}}]}\n"
	if err := os.WriteFile(filepath.Join(rules, "acme.yaml"), []byte(org), 0o600); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(dir, "history.jsonl")
	writeHistory(b, path, b.N)
	b.ResetTimer()
	b.ReportAllocs()
	cpu := cpuTime(b)
	f := replayFlags{config: filepath.Dir(rules), clock: clockEvent, events: []string{path}}
	if err := runReplay(b.Context(), f, 0, io.Discard, io.Discard); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// cpuTime is what the process has used of all processors: on a busy machine it says
// more than the time that has passed.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func writeHistory(b *testing.B, path string, events int) {
	b.Helper()
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(file)
	topics := []string{"customer.start", "acd.start", "user.start", "acd.end", "user.end", "customer.end"}
	sessions := []string{"customer", "acd", "user", "acd", "user", "customer"}
	const width = 2000
	for i := range events {
		step, slot := i/width%len(topics), i%width
		round := i / (width * len(topics))
		if slot%20 == 0 && step == len(topics)-1 {
			round -= 8 // this one's end comes eight hours late
		}
		at := int64(1_772_442_000_000) + int64(i)*300
		said := time.UnixMilli(at).UTC().Format(time.RFC3339)
		conversation := fmt.Sprintf("2f7bf00a-0000-4000-%04d-%012d", max(round, 0), slot)
		_, err := fmt.Fprintf(w, `{"version":"0","id":"58fb5dac-0000-4000-8000-%012d","detail-type":"v2.detail.events.conversation.{id}.%s",`+
			`"source":"aws.partner/genesys.com/cloud/32aa07aa-0000-4000-8000-9483601ec29d/sla-bus","account":"123456789012","time":"%s","region":"eu-west-1","resources":[],`+
			`"detail":{"topicName":"v2.detail.events.conversation.%s.%s","version":"2","eventBody":{"eventTime":%d,"conversationId":"%s","participantId":"p-%s","sessionId":"%s-%s",`+
			`"disconnectType":"peer","mediaType":"MESSAGE","messageType":"WHATSAPP","provider":"PureCloud Messaging","direction":"INBOUND","addressTo":"acme","addressFrom":"customer",`+
			`"queueId":"q-%d","userId":"u-%d","divisionId":"d-1"},"metadata":{"CorrelationId":"c0ffee00-0000-4000-8000-%012d"},"timestamp":"%s"}}`+"\n",
			i, topics[step], said, conversation, topics[step], at, conversation, sessions[step], sessions[step], conversation, slot%7, slot%40, i, said)
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
}
