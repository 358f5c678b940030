package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Sections of the report that UNPARK_KILL_REPORT names, in order, with what
// stands above their tables.
const (
	killSection  = "Kill points"
	faultSection = "Faults"
	testSection  = "In one process"
)

var reportSections = []struct{ name, text string }{
	{killSection, "A real process on a real broker, or on three, under load, kills itself (SIGKILL) at each point of a transaction or a restore, again and again.\n" +
		"processor/stream/crash_on.go says where each point is. Local state is never restored in full but where the point is about that\n(mid-excise, after-excise)."},
	{faultSection, "Real processes, real brokers (three where the coordinator moves, and where a row says so), under load. What failed is mended again within the try."},
	{testSection, "Tests of one point each, the runtime's on a real broker too (`make e2e`). A try is a run."},
}

const reportHead = `# What was killed and broken, and what was found

Written by ` + "`make kill`" + `, the soak's row by ` + "`make soak`" + `. Where it says differences, ` + "`unpark verify`" + ` has read everything afterwards: every decision recomputed from the input and compared
with what stands on the topics, byte for byte. ` + "`make test`" + ` has the short form of most: one try. A single row is made anew by running its test with
the variables that the target sets.
`

var reporting sync.Mutex

// report adds a row to the report, or replaces the one of that name.
func report(t *testing.T, section, name string, tries int, outcome string) {
	t.Helper()
	if t.Failed() {
		outcome = "failed: " + outcome
	}
	row(t, section, name, tries, outcome)
}

func row(t *testing.T, section, name string, tries int, outcome string) {
	t.Helper()
	t.Logf("%s: %d tries: %s", name, tries, outcome)
	file := os.Getenv("UNPARK_KILL_REPORT")
	if file == "" {
		return
	}
	reporting.Lock()
	defer reporting.Unlock()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	rows := reportRows(string(text))
	row := fmt.Sprintf("| %s | %d | %s |", name, tries, outcome)
	at := slices.IndexFunc(rows[section], func(r string) bool { return strings.HasPrefix(r, "| "+name+" |") })
	if at >= 0 {
		rows[section][at] = row
	} else {
		rows[section] = append(rows[section], row)
	}
	if err := os.WriteFile(file, []byte(reportText(rows)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reportRows returns the rows of a report by section.
func reportRows(text string) map[string][]string {
	rows, section := map[string][]string{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "## "); ok {
			section = name
		}
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| what |") {
			rows[section] = append(rows[section], line)
		}
	}
	return rows
}

func reportText(rows map[string][]string) string {
	var b strings.Builder
	b.WriteString(reportHead)
	for _, s := range reportSections {
		if len(rows[s.name]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| what | tries | what was found |\n|---|---|---|\n%s\n", s.name, s.text, strings.Join(rows[s.name], "\n"))
	}
	return b.String()
}

// tries is how often each point and fault is tried: UNPARK_KILL_TRIES, or once.
func tries(t *testing.T) int {
	t.Helper()
	s := os.Getenv("UNPARK_KILL_TRIES")
	if s == "" {
		return 1
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("UNPARK_KILL_TRIES: %v", err)
	}
	return n
}

// long marks a test whose shortest form is too long for `make test`.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("UNPARK_KILL_TRIES") == "" {
		t.Skip("UNPARK_KILL_TRIES is not set: a part of make kill")
	}
}
