package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// benchInterval is the time between two envelopes of a history, in milliseconds.
const benchInterval = 300

// BenchmarkReplayFiles is one envelope of a file: a centre in which 2,000
// conversations are open at a time, each of six events within an hour; one of
// twenty waits for eight.
func BenchmarkReplayFiles(b *testing.B) {
	dir := b.TempDir()
	rules := benchRules(b, dir)
	path := filepath.Join(dir, "history.jsonl")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(writeHistory(file, b.N), file.Close()); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	b.ReportAllocs()
	cpu := cpuTime(b)
	f := replayFlags{config: rules, clock: clockEvent, events: []string{path}}
	if err := runReplay(b.Context(), f, 0, io.Discard, io.Discard); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkReplayHours is the memory that the process takes at most while it replays
// a history of so many hours, the centre of BenchmarkReplayFiles, which comes out of
// a pipe.
func BenchmarkReplayHours(b *testing.B) {
	for _, hours := range []int{50, 100, 200, 400, 800} {
		b.Run(strconv.Itoa(hours), func(b *testing.B) {
			dir := b.TempDir()
			f := replayFlags{config: benchRules(b, dir), clock: clockEvent, events: []string{filepath.Join(dir, "pipe")}}
			if err := syscall.Mkfifo(f.events[0], 0o600); err != nil {
				b.Fatal(err)
			}
			events := hours * 3_600_000 / benchInterval
			written := make(chan error, 1)
			resetPeak(b)
			for b.Loop() {
				go func() {
					pipe, err := os.OpenFile(f.events[0], os.O_WRONLY, 0)
					if err == nil {
						err = errors.Join(writeHistory(pipe, events), pipe.Close())
					}
					written <- err
				}()
				if err := errors.Join(runReplay(b.Context(), f, 0, io.Discard, io.Discard), <-written); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(peak(b))/1e6, "peak-MB")
		})
	}
}

// resetPeak has the process's peak of memory begin anew.
func resetPeak(b *testing.B) {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Skip("only Linux tells the peak: ", err)
	}
}

// peak is the memory in bytes that the process has taken at most since resetPeak.
func peak(b *testing.B) (bytes int64) {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscanf(rest, "%d kB", &bytes); err != nil {
		b.Fatal(err)
	}
	return bytes * 1024
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

// benchRules writes the configuration of one org without policies and returns its
// folder.
func benchRules(b *testing.B, dir string) string {
	b.Helper()
	orgs := filepath.Join(dir, "config", "orgs")
	if err := os.MkdirAll(orgs, 0o700); err != nil {
		b.Fatal(err)
	}
	org := "id: 32aa07aa-0000-4000-8000-9483601ec29d\nroutes: {default: [{terminal: {}}]}\n"
	if err := os.WriteFile(filepath.Join(orgs, "acme.yaml"), []byte(org), 0o600); err != nil {
		b.Fatal(err)
	}
	return filepath.Dir(orgs)
}

// writeHistory writes 12,000 envelopes an hour.
func writeHistory(to io.Writer, events int) error {
	w := bufio.NewWriter(to)
	topics := []string{"customer.start", "acd.start", "user.start", "acd.end", "user.end", "customer.end"}
	sessions := []string{"customer", "acd", "user", "acd", "user", "customer"}
	const width = 2000
	for i := range events {
		step, slot := i/width%len(topics), i%width
		round := i / (width * len(topics))
		if slot%20 == 0 && step == len(topics)-1 {
			round -= 8 // this one's end comes eight hours late
		}
		at := int64(1_772_442_000_000) + int64(i)*benchInterval
		said := time.UnixMilli(at).UTC().Format(time.RFC3339)
		conversation := fmt.Sprintf("2f7bf00a-0000-4000-%04d-%012d", max(round, 0), slot)
		_, err := fmt.Fprintf(w, `{"version":"0","id":"58fb5dac-0000-4000-8000-%012d","detail-type":"v2.detail.events.conversation.{id}.%s",`+
			`"source":"aws.partner/genesys.com/cloud/32aa07aa-0000-4000-8000-9483601ec29d/sla-bus","account":"123456789012","time":"%s","region":"eu-west-1","resources":[],`+
			`"detail":{"topicName":"v2.detail.events.conversation.%s.%s","version":"2","eventBody":{"eventTime":%d,"conversationId":"%s","participantId":"p-%s","sessionId":"%s-%s",`+
			`"disconnectType":"peer","mediaType":"MESSAGE","messageType":"WHATSAPP","provider":"PureCloud Messaging","direction":"INBOUND","addressTo":"acme","addressFrom":"customer",`+
			`"queueId":"q-%d","userId":"u-%d","divisionId":"d-1"},"metadata":{"CorrelationId":"c0ffee00-0000-4000-8000-%012d"},"timestamp":"%s"}}`+"\n",
			i, topics[step], said, conversation, topics[step], at, conversation, sessions[step], sessions[step], conversation, slot%7, slot%40, i, said)
		if err != nil {
			return err
		}
	}
	return w.Flush()
}
