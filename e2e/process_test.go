package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"unpark/internal/localtest"
)

// stopWithin is how long unpark may take to stop, with a breath for a busy
// machine.
const stopWithin = 11 * time.Second

// environment is all that a child knows of the machine: its own home, so that
// nobody's AWS profile is used, and what env adds.
func environment(t *testing.T, env map[string]string) []string {
	all := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": t.TempDir(), "AWS_REGION": localtest.Region,
		"AWS_ACCESS_KEY_ID": "e2e", "AWS_SECRET_ACCESS_KEY": "e2e", "AWS_EC2_METADATA_DISABLED": "true",
	}
	maps.Copy(all, env)
	var list []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		list = append(list, key+"="+all[key])
	}
	return list
}

// result is how a command ended.
type result struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

// command runs unpark to its end, which is to come within a minute.
func command(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	return commandWithin(t, time.Minute, env, args...)
}

func commandWithin(t *testing.T, within time.Duration, env map[string]string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary(t), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(t, env), &stdout, &stderr
	begun := time.Now()
	exited, err := localtest.Spawn(cmd)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-exited:
	case <-time.After(within):
		_ = cmd.Process.Kill()
		<-exited
		t.Errorf("unpark %s did not end within %v\n%s", strings.Join(args, " "), within, stderr.String())
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(begun)}
}

// process is an `unpark run` that goes on until it is told to stop.
type process struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	exited <-chan struct{}
	log    string
}

// start runs unpark; its end comes with the test's at the latest.
func start(t *testing.T, name string, env map[string]string, args ...string) *process {
	t.Helper()
	return startBinary(t, binary(t), name, env, args...)
}

func startBinary(t *testing.T, path, name string, env map[string]string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, log: filepath.Join(t.TempDir(), name+".log")}
	out, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p.cmd = exec.Command(path, append(args, "--log-format", "json")...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = environment(t, env), out, out
	if p.exited, err = localtest.Spawn(p.cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.exited
		if t.Failed() {
			t.Logf("the end of what %s said:\n%s", name, p.tail())
		}
	})
	return p
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) } // it may be gone already

// wait returns how the process ended, -1 if a signal ended it.
func (p *process) wait(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(within):
		p.t.Fatalf("%s did not end within %v", p.name, within)
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop asks the process to end and holds it to its promise.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(stopWithin); code != 0 {
		p.t.Errorf("%s was told to stop and ended with exit code %d\n%s", p.name, code, p.tail())
	}
}

// line is one of the log, by its keys.
type line map[string]any

func (l line) text(key string) string { return fmt.Sprint(l[key]) }

// lines returns what the process has logged.
func (p *process) lines() []line {
	data, err := os.ReadFile(p.log)
	if err != nil {
		p.t.Fatal(err)
	}
	var all []line
	for text := range bytes.Lines(data) {
		var l line
		if json.Unmarshal(text, &l) == nil {
			all = append(all, l)
		}
	}
	return all
}

// noErrors fails the test for whatever the process called an error, but for
// messages that the test itself has brought about.
func (p *process) noErrors(but ...string) {
	p.t.Helper()
	for _, l := range p.lines() {
		if l.text("level") == "ERROR" && !slices.Contains(but, l.text("msg")) {
			p.t.Errorf("%s logged %v", p.name, l)
		}
	}
}

func (p *process) tail() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-4000):])
}

// address is where the process answers HTTP, which it logs.
func (p *process) address() string {
	p.t.Helper()
	var address string
	eventually(p.t, 30*time.Second, p.name+" listens", func() error {
		for _, l := range p.lines() {
			if strings.HasPrefix(l.text("msg"), "listening for") {
				address = l.text("address")
				return nil
			}
		}
		select {
		case <-p.exited:
			p.t.Fatalf("%s ended\n%s", p.name, p.tail())
		default:
		}
		return errNotYet
	})
	return "http://" + address
}

// ready waits until the process says that it does its work.
func (p *process) ready() *process {
	p.t.Helper()
	address := p.address()
	eventually(p.t, time.Minute, p.name+" is ready", func() error {
		status, body, err := get(address + "/readyz")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%d: %s", status, body)
		}
		return err
	})
	return p
}

func get(url string) (status int, body string, err error) {
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}
