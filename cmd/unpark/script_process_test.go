package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// process is a command that runs beside a script.
type process struct {
	cmd    *exec.Cmd
	stdout *output
	stderr *output
	ended  chan struct{}
}

type processesKey struct{}

// processes are those of a script, by name.
type processes map[string]*process

func running(ts *testscript.TestScript) processes { return ts.Value(processesKey{}).(processes) }

func named(ts *testscript.TestScript, name string) *process {
	p, ok := running(ts)[name]
	if !ok {
		ts.Fatalf("no command was started as %s", name)
	}
	return p
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 100)
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "TMPDIR="+ts.Getenv("TMPDIR"))
	p := &process{cmd: cmd, stdout: newOutput(), stderr: newOutput(), ended: make(chan struct{})}
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	errs, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	go func() {
		defer close(p.ended)
		var read sync.WaitGroup
		read.Go(func() { p.stdout.read(out) })
		read.Go(func() { p.stderr.read(errs) })
		read.Wait()
		_ = cmd.Wait() // the exit code is asked for later
	}()
	running(ts)[args[0]] = p
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		<-p.ended
		ts.Logf("[%s]\n%s%s", args[0], p.stdout, p.stderr)
	})
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 3, 4)
	p := named(ts, args[0])
	from, ok := map[string]*output{"stdout": p.stdout, "stderr": p.stderr}[args[1]]
	if !ok {
		ts.Fatalf("%s is neither stdout nor stderr", args[1])
	}
	found := from.find(regexp.MustCompile(args[2]))
	switch {
	case found == nil:
		ts.Fatalf("%s has ended, and nothing on its %s matches %s", args[0], args[1], args[2])
	case len(args) == 4:
		ts.Setenv(args[3], found[len(found)-1])
	}
}

func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2, 2)
	p := named(ts, args[0])
	ts.Check(p.cmd.Process.Signal(os.Interrupt))
	<-p.ended
	if code, want := p.cmd.ProcessState.ExitCode(), number(ts, args[1]); code != want {
		ts.Fatalf("%s ended with exit code %d, want %d", args[0], code, want)
	}
}

// output is what a process has written so far. A process that hangs is ended by
// the test's timeout.
type output struct {
	mu    sync.Mutex
	grown *sync.Cond
	lines []string
	whole bool // there will be no more
}

func newOutput() *output {
	o := &output{}
	o.grown = sync.NewCond(&o.mu)
	return o
}

func (o *output) read(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		o.add(lines.Text(), false)
	}
	o.add("", true)
}

func (o *output) add(line string, whole bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.whole = whole; !whole {
		o.lines = append(o.lines, line)
	}
	o.grown.Broadcast()
}

// find waits for a line that matches; nil if there will be none.
func (o *output) find(re *regexp.Regexp) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := 0; ; {
		for ; i < len(o.lines); i++ {
			if m := re.FindStringSubmatch(o.lines[i]); m != nil {
				return m
			}
		}
		if o.whole {
			return nil
		}
		o.grown.Wait()
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(append(o.lines, ""), "\n")
}
