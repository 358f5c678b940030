package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"unpark/clock"
)

// TestMetricsDoc compares docs/metrics.md with what a process tells on /metrics.
func TestMetricsDoc(t *testing.T) {
	always, sometimes, _ := strings.Cut(readDoc(t, "docs/metrics.md"), "Not there before")
	documented := metricNames(always)
	told := tellMetrics(t, func(told []string) error {
		var missing []string
		for _, name := range documented {
			if !slices.Contains(told, name) {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("/metrics lacks %s", missing)
		}
		return nil
	})
	for _, name := range told {
		if !slices.Contains(append(documented, metricNames(sometimes)...), name) {
			t.Errorf("docs/metrics.md lacks %s", name)
		}
	}
}

func metricNames(text string) (names []string) {
	for _, name := range regexp.MustCompile("`(unpark_[a-z_]+)`").FindAllStringSubmatch(text, -1) {
		names = append(names, name[1])
	}
	return names
}

// tellMetrics runs a processor until check is content with the names on /metrics,
// and returns those that are unpark's own.
func tellMetrics(t *testing.T, check func([]string) error) []string {
	t.Helper()
	cfg, err := loadConfig(metricsConfig(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(t.Context(), settings{
		config: cfg, roles: []string{roleProcessor}, clock: clock.Real(), log: slog.New(slog.DiscardHandler), listener: listener,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	timeout := time.After(time.Minute)
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		told := scrape(t, "http://"+listener.Addr().String()+"/metrics")
		err := check(told)
		if err == nil {
			return told
		}
		select {
		case <-poll.C:
		case <-timeout:
			t.Fatal(err)
		}
	}
}

func metricsConfig(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf("processor: {instance: a, data_dir: %q}\ntopics: {partitions: 1}\n", filepath.Join(dir, "data"))
	if err := os.WriteFile(filepath.Join(dir, "unpark.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// scrape returns the names of the samples that are unpark's own, each once.
func scrape(t *testing.T, url string) []string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", url, resp.StatusCode, err)
	}
	var names []string
	for line := range strings.Lines(string(body)) {
		if name, ok := strings.CutPrefix(line, "# TYPE unpark_"); ok {
			names = append(names, "unpark_"+strings.Fields(name)[0])
		}
	}
	return names
}
