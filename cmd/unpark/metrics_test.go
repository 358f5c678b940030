package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"unpark/clock"
)

// TestMetricsDoc compares docs/metrics.md with what a process of all roles has
// registered: names and labels. The documents name no other metrics.
func TestMetricsDoc(t *testing.T) {
	documented := documentedMetrics(readDoc(t, "docs/metrics.md"))
	runAll(t, func(reg *prometheus.Registry) string { return cmp.Diff(documented, toldMetrics(t, reg, documented)) })
	for _, name := range []string{"README.md", "CHANGELOG.md", "ARCHITECTURE.md", "docs/genesys.md", "docs/metrics.md", "docs/notifications.md"} {
		for _, m := range regexp.MustCompile(`\bunpark_[a-z_]+[a-z]\b`).FindAllString(readDoc(t, name), -1) {
			if _, ok := documented[m]; !ok {
				t.Errorf("%s names %s, which is no metric", name, m)
			}
		}
	}
}

var metricName = regexp.MustCompile("`(unpark_[a-z_]+)`")

// documentedMetrics returns the metrics in the tables with their labels. Those of the
// Kafka clients have the label client, too, which is told above their table.
func documentedMetrics(doc string) map[string]string {
	metrics := make(map[string]string)
	for line := range strings.Lines(doc) {
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		if !strings.HasPrefix(line, "| `unpark_") {
			continue
		}
		labels := ""
		if len(cells) == 3 {
			labels = strings.TrimSpace(cells[1])
		}
		for _, m := range metricName.FindAllStringSubmatch(cells[0], -1) {
			metrics[m[1]] = labels
		}
	}
	return metrics
}

var description = regexp.MustCompile(`^Desc\{fqName: "(unpark_[a-z_]+)".*variableLabels: \{(.*)\}\}$`)

// toldMetrics returns unpark's own metrics with their labels: those registered, whether
// or not there was anything to count. Kafka's clients register some that they never
// tell; such are left out unless they are documented.
func toldMetrics(t *testing.T, reg *prometheus.Registry, documented map[string]string) map[string]string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]bool)
	for _, f := range families {
		told[f.GetName()] = true
	}
	all := make(chan *prometheus.Desc)
	go func() {
		defer close(all)
		reg.Describe(all)
	}()
	metrics := make(map[string]string)
	for desc := range all {
		m := description.FindStringSubmatch(desc.String())
		if m == nil {
			continue
		}
		if _, known := documented[m[1]]; known || told[m[1]] || !strings.HasPrefix(m[1], "unpark_kafka_") {
			metrics[m[1]] = strings.ReplaceAll(m[2], ",", ", ")
		}
	}
	return metrics
}

// runAll runs a process of all roles until check has nothing to say of what it has
// registered.
func runAll(t *testing.T, check func(*prometheus.Registry) string) {
	t.Helper()
	cfg, err := loadConfig(metricsConfig(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(t.Context(), settings{config: cfg, roles: allRoles, clock: clock.Real(), log: slog.New(slog.DiscardHandler)})
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
		diff := check(a.registry)
		if diff == "" {
			return
		}
		select {
		case <-poll.C:
		case <-timeout:
			t.Fatalf("docs/metrics.md and /metrics differ (-documented +told):\n%s", diff)
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
