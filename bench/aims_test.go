package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// aim is a line of the table of what is to be reached: by what was measured, or not.
type aim struct {
	what, want, got string
	reached         bool
}

// atLeast is the aim that got is not less than want, which unit counts.
func atLeast(what string, want, got float64, unit string) aim {
	return aim{what, "at least " + amount(want, unit), amount(got, unit), got >= want}
}

// atMost is the aim that got is not more than want.
func atMost(what string, want, got float64, unit string) aim {
	return aim{what, "at most " + amount(want, unit), amount(got, unit), got <= want}
}

func amount(n float64, unit string) string {
	if n >= 1000 {
		return fmt.Sprintf("%.0f %s", n, unit)
	}
	return fmt.Sprintf("%.3g %s", n, unit)
}

// record appends the aims to the table that UNPARK_BENCH_AIMS names, which begins with
// where and when it was measured; without the variable it does nothing.
func record(t *testing.T, list ...aim) {
	t.Helper()
	name := os.Getenv("UNPARK_BENCH_AIMS")
	if name == "" {
		return
	}
	var text string
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		text = fmt.Sprintf("# What is to be reached\n\nWritten by `make bench-all` on %s, at commit %s. %s\n\n"+
			"Beside Kafka Streams: two million events of one log, each figure against the peer's run next to it ([bench.md](bench.md)). "+
			"What the other lines measure, how it varies, and why an aim is not reached stands in [speed.md](speed.md).\n\n| what | aim | measured | |\n|---|---|---|---|\n",
			time.Now().UTC().Format(time.DateOnly), commit(), machine())
	}
	for _, a := range list {
		verdict := "reached"
		if !a.reached {
			verdict = "**not reached**"
		}
		text += fmt.Sprintf("| %s | %s | %s | %s |\n", a.what, a.want, a.got, verdict)
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestAims(t *testing.T) {
	name := filepath.Join(t.TempDir(), "aims.md")
	t.Setenv("UNPARK_BENCH_AIMS", name)
	record(t, atLeast("restore", 400_000, 399_999, "records/s"), atLeast("events/s", 2, 2, "times as many"))
	record(t, atMost("start", 1, 0.256, "s"), atMost("memory", 1500, 1501, "MB"))
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(string(text), "|---|---|---|---|\n")
	want := `| restore | at least 400000 records/s | 399999 records/s | **not reached** |
| events/s | at least 2 times as many | 2 times as many | reached |
| start | at most 1 s | 0.256 s | reached |
| memory | at most 1500 MB | 1501 MB | **not reached** |
`
	if got != want || strings.Count(string(text), "# What is to be reached") != 1 {
		t.Errorf("got\n%s\nwant one head and\n%s", text, want)
	}
}
