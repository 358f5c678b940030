package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// points are proved by tests of their own, most of which need no process to be
// killed. Those of processor/stream run on a real broker too: TestRuntimeOnKafka.
var points = []struct{ what, pkg, test string }{
	{"any history, cut anywhere, any fault: as the model says", "processor", "TestOracle"},
	{"a crash of the machine at every step of a flush and a drop", "processor/store", "TestCrash"},
	{"a crash of the machine at every step of a restore", "processor/stream", "TestRestoreCrash"},
	{"one failed promise in a batch", "processor/stream", "TestRunnersProduceError"},
	{"the answer to EndTxn lost", "processor/stream", "TestRunnersEndAnswerLost"},
	{"an error instead of an answer to EndTxn", "processor/stream", "TestRunnersEndError"},
	{"a commit answered with an error, or as not made", "processor/stream", "TestRunnersEndInDoubt"},
	{"a commit lost by the brokers", "processor/stream", "TestRunnersCommitLost"},
	{"a commit that hangs on the changelog", "processor/stream", "TestRunnersCommitHangs"},
	{"the group lost while a transaction ends", "processor/stream", "TestRunnersGroupLostInEnd"},
	{"a record too large for the changelog or the output", "processor/stream", "TestRunnersTooLarge"},
	{"a late event whose due lies below the watermark", "processor/stream", "TestTaskLateDeadline"},
	{"clocks of broker and process a day apart", "processor/stream", "TestRunnersIgnoredTick"},
	{"partition count changed between two runs", "processor/stream", "TestRunnersPartitionCountChanged"},
	{"partition count changed while running", "processor/stream", "TestRunnersInputGrows"},
	{"topics deleted and made again", "processor/stream", "TestRunnersTopicsMadeAgain"},
	{"changelog deleted and made again", "processor/stream", "TestRunnersLostState"},
	{"changelog compacted during a restore", "processor/stream", "TestRunnersCompactedDuringRestore"},
	{"a restore counts markers", "processor/stream", "TestFetchCountsMarkers"},
	{"a restore that is interrupted for longer than deletions are kept", "processor/stream", "TestRestoreAges"},
	{"data dir copied to another host", "processor/stream", "TestRunnersDirCopied"},
	{"local state older than half of the delete retention", "processor/stream", "TestRunnersOldLocalState"},
	{"a partition that comes back to its cold state", "processor/stream", "TestRunnersPartitionReturns"},
	{"every commit carries all positions", "processor/stream", "TestRunnersCommitAllPositions"},
	{"a partition waits for its lease", "processor/stream", "TestRunnersLease"},
	{"ownership compared, callbacks or not", "processor/stream", "TestRunnersTakenAwayUnheard"},
}

// TestOnePointEach runs them for the report; `make test` runs them anyway.
func TestOnePointEach(t *testing.T) {
	long(t)
	passed, failed := map[string]int{}, map[string]int{}
	tests := map[string][]string{}
	for _, p := range points {
		tests[p.pkg] = append(tests[p.pkg], p.test)
	}
	for pkg, names := range tests {
		// How it ends is in what it says.
		out, _ := exec.CommandContext(t.Context(), "go", "test", "-json", "-timeout", "2h", fmt.Sprintf("-count=%d", tries(t)),
			"-run", "^("+strings.Join(names, "|")+")$", "unpark/"+pkg).CombinedOutput()
		for line := range bytes.Lines(out) {
			var event struct{ Action, Test string }
			switch _ = json.Unmarshal(line, &event); event.Action {
			case "pass":
				passed[event.Test]++
			case "fail":
				failed[event.Test]++
			}
		}
	}
	for _, p := range points {
		n := passed[p.test] + failed[p.test]
		outcome := p.test + " passed"
		if n == 0 || failed[p.test] > 0 {
			t.Errorf("%s: %d runs, %d of them failed", p.test, n, failed[p.test])
			outcome = fmt.Sprintf("%s failed %d times", p.test, failed[p.test])
		}
		row(t, testSection, p.what, n, outcome)
	}
}
