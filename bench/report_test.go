package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is what docs/bench.md is made of.
type report struct {
	arena   *arena
	command string
	runs    []figures
	told    escalations // of the first run
}

const (
	nameOurs = "unpark"
	nameEven = "unpark, 100 ms"
	namePeer = "Kafka Streams"
)

func (r *report) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Side by side with Kafka Streams\n")
	line("Written by `%s` on %s, at commit %s.\n", r.command, time.Now().UTC().Format(time.DateOnly), commit())
	line("%s Kafka and Kafka Streams %s.\n", machine(), kafkaVersion(r.arena.classpath))
	line("One broker; %d events and %d ticks in %d partitions, lz4; both read the same topic, in turn, each with a new group, changelog and state. "+
		"The peer commits every 100 ms. Far behind the end of a log, as here, unpark's transactions last up to 400 ms and have up to 40,000 records, unless they are kept to 100 ms as well. Every run told the same %d escalations, byte for byte, headers included: %s.\n",
		r.arena.events, r.arena.records()-int64(r.arena.events), partitions, r.told.size(), r.kinds())
	line("The clock runs from the first commit that is seen to the last; CPU is that of the process in this time, so that its start is left out. *Steady* is the second half " +
		"of the log. *Others* are the cores that neither contender nor broker used: what ran beside them disturbs. The peer is described in " +
		"[bench/kstreams](../bench/kstreams/README.md), with how it compares with the first one.\n")
	r.runTable(line)
	r.ratioTable(line)
	return b.String()
}

func (r *report) kinds() string {
	counts := r.told.count(r.arena.t)
	var list []string
	for what, n := range counts {
		list = append(list, fmt.Sprintf("%d %s", n, what))
	}
	slices.SortFunc(list, func(a, b string) int {
		return strings.Compare(a[strings.IndexByte(a, ' '):], b[strings.IndexByte(b, ' '):])
	})
	return strings.Join(list, ", ")
}

func (r *report) runTable(line func(string, ...any)) {
	line("| round | contender | threads | s | events/s | steady events/s | CPU µs/event | steady | broker µs/event | others, cores | peak MB |")
	line("|---|---|---|---|---|---|---|---|---|---|---|")
	for _, f := range r.runs {
		line("| %d | %s | %d | %.1f | %.0f | %.0f | %.1f | %.1f | %.1f | %.2f | %d |",
			f.round, f.name, f.threads, f.seconds, f.rate, f.steadyRate, f.cost, f.steadyCost, f.broker, f.others, f.peakMB)
	}
	line("")
}

// ratioTable compares the adjacent runs of each round, and gives the middle of the
// rounds.
func (r *report) ratioTable(line func(string, ...any)) {
	line("What unpark gains, each time against the peer's run next to it (the middle of the rounds, and their range):\n")
	line("| | threads | events/s | CPU per event, all | CPU per event, steady | broker CPU | peak memory |")
	line("|---|---|---|---|---|---|---|")
	for _, name := range []string{nameOurs, nameEven} {
		for _, n := range r.threads() {
			line("| %s | %d | %sx | %sx less | %sx less | %s of the peer's | %s of the peer's |", name, n, r.ratio(name, n, rateGain),
				r.ratio(name, n, costGain), r.ratio(name, n, steadyGain), r.ratio(name, n, brokerShare), r.ratio(name, n, memoryShare))
		}
	}
	line("| to reach | | 2x with one, 2.5x with two | | 2.5x less | not more | half |")
}

// What unpark gains: how many times the peer's rate it has, how many times less CPU an
// event takes, and what part it has of what the broker and the memory take.
func rateGain(ours, peer figures) float64    { return ours.rate / peer.rate }
func costGain(ours, peer figures) float64    { return peer.cost / ours.cost }
func steadyGain(ours, peer figures) float64  { return peer.steadyCost / ours.steadyCost }
func brokerShare(ours, peer figures) float64 { return ours.broker / peer.broker }
func memoryShare(ours, peer figures) float64 { return float64(ours.peakMB) / float64(peer.peakMB) }

// aims are those of the comparison, for one thread and for two.
func (r *report) aims() (list []aim) {
	for _, name := range []string{nameEven, nameOurs} {
		for _, n := range r.threads() {
			faster := 2.0
			if n > 1 {
				faster = 2.5
			}
			what := func(what string) string { return fmt.Sprintf("%s, %d against %d threads: %s", name, n, n, what) }
			middle := func(of func(ours, peer figures) float64) float64 { return middle(r.ratios(name, n, of)) }
			list = append(list,
				atLeast(what("CPU an event in the second half of the log"), 2.5, middle(steadyGain), "times less"),
				atLeast(what("events/s"), faster, middle(rateGain), "times as many"),
				atMost(what("the broker's CPU"), 1, middle(brokerShare), "of the peer's"),
				atMost(what("peak memory"), 0.5, middle(memoryShare), "of the peer's"),
			)
		}
	}
	return list
}

func (r *report) threads() (list []int) {
	for _, f := range r.runs {
		list = append(list, f.threads)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// ratio is the middle of the rounds, and their range.
func (r *report) ratio(name string, threads int, of func(ours, peer figures) float64) string {
	all := r.ratios(name, threads, of)
	if len(all) == 1 {
		return fmt.Sprintf("%.2f", all[0])
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", middle(all), all[0], all[len(all)-1])
}

// ratios are those of all rounds, in order.
func (r *report) ratios(name string, threads int, of func(ours, peer figures) float64) (all []float64) {
	for _, f := range r.runs {
		for _, g := range r.runs {
			if f.threads == threads && g.threads == threads && f.round == g.round && f.name == name && g.name == namePeer {
				all = append(all, of(f, g))
			}
		}
	}
	slices.Sort(all)
	return all
}

func middle(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// commit is what is checked out, "unknown" outside of a repository.
func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	if dirty, _ := exec.Command("git", "status", "--porcelain", "--untracked-files=no").Output(); len(dirty) > 0 {
		return strings.TrimSpace(string(out)) + " with changes"
	}
	return strings.TrimSpace(string(out))
}

// machine says on what was measured, and with which languages.
func machine() string {
	model, gib := "an unknown processor", "?"
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(data), "model name\t: "); ok {
			model, _, _ = strings.Cut(rest, "\n")
		}
	}
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kb int
		if _, err := fmt.Sscanf(string(data), "MemTotal: %d", &kb); err == nil {
			gib = fmt.Sprint((kb + 1<<19) >> 20)
		}
	}
	return fmt.Sprintf("%d vCPUs (%s), %s GiB, shared with the broker. %s; %s.", runtime.NumCPU(), model, gib, runtime.Version(), java())
}

func java() string {
	out, err := exec.Command("java", "-version").CombinedOutput()
	if err != nil {
		return "no Java"
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return strings.ReplaceAll(first, `"`, "")
}

func kafkaVersion(classpath string) string {
	for part := range strings.SplitSeq(classpath, ":") {
		jars, _ := filepath.Glob(strings.TrimSuffix(part, "*") + "/kafka-streams-*.jar")
		for _, jar := range jars {
			return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(jar), "kafka-streams-"), ".jar")
		}
	}
	return "?"
}
