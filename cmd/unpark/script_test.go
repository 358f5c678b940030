package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/connectors/kafka"
	"unpark/schemas"
)

var rewrite = flag.Bool("rewrite", false, "write what the commands print into the scripts; read the diff")

// TestMain lets the scripts call this test binary as unpark.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"unpark": func() { os.Exit(execute()) }})
}

// TestScripts runs testdata/*.txtar: what an operator types, and what is to be
// seen then. Besides testscript's own commands they use
//
//	exits CODE COMMAND...           run a command and compare its exit code
//	start NAME COMMAND...           run a command beside the script
//	await NAME stdout|stderr RE [VARIABLE]
//	                                wait until a line matches; keep its group
//	interrupt NAME CODE             send an interrupt, wait for the exit code
//	get URL CODE                    print what an address answers with
//	expand FILE                     replace the variables in it
//	compress FILE                   make FILE.gz of it
//	empty DIR                       compare a folder with an empty one
//	excerpt                         compare the README's excerpt of the demo with stdout
//	told DIR                        print what the escalations topic of the embedded
//	                                broker in DIR holds, partition by partition
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *rewrite,
		Setup: func(env *testscript.Env) error {
			env.Values[processesKey{}] = make(processes)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "start": start, "await": await, "interrupt": interrupt,
			"get": get, "expand": expand, "compress": compress, "empty": empty,
			"told": told, "excerpt": excerpt,
		},
	})
}

// usage ends the script unless it has between least and most words.
func usage(ts *testscript.TestScript, neg bool, args []string, least, most int) {
	if neg || len(args) < least || len(args) > most {
		ts.Fatalf("wrong use; see TestScripts")
	}
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 100)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if want := number(ts, args[0]); code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 2)
	resp, err := http.Get(args[0])
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s", body)
	if want := number(ts, args[1]); resp.StatusCode != want {
		ts.Fatalf("%s answers %s, want %d:\n%s", args[0], resp.Status, want, body)
	}
}

func expand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, 1)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o600))
}

func compress(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, 1)
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := io.WriteString(w, ts.ReadFile(args[0]))
	ts.Check(errors.Join(err, w.Close()))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".gz"), buf.Bytes(), 0o600))
}

func empty(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, 1)
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, e := range entries {
		ts.Fatalf("%s holds %s", args[0], e.Name())
	}
}

func told(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1, 1)
	address, ok := kafka.EmbeddedAddress(ts.MkAbs(args[0]))
	if !ok {
		ts.Fatalf("no broker in %s", args[0])
	}
	values := make(map[int32][][]byte)
	topic := schemas.Escalations.Name(kafka.DefaultLayout().Prefix)
	ts.Check(kafka.ReadToEnd(context.Background(), []kgo.Opt{kgo.SeedBrokers(address)}, topic, func(r *kgo.Record) error {
		values[r.Partition] = append(values[r.Partition], r.Value)
		return nil
	}))
	for _, partition := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[partition] {
			fmt.Fprintf(ts.Stdout(), "%s\n", value)
		}
	}
}
