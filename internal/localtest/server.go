package localtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 90 * time.Second // a loaded CI machine; a free one takes 2 to 8 s
	stopTimeout  = 20 * time.Second
	pollEvery    = 50 * time.Millisecond
)

// Server is a counterpart in a process of its own.
type Server struct {
	// Addr is host:port of a broker, the endpoint URL of the others. It stays the
	// same when the server is stopped and started.
	Addr string
	// Second is where a broker listens that stands behind a proxy; see Behind.
	Second string

	name    string
	dir     string
	ownsDir bool
	detach  bool
	args    []string
	ready   func(context.Context) error

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited <-chan struct{} // closed when the process of cmd is gone
}

// Option changes how a server is started.
type Option func(*options)

type options struct {
	dir        string
	detach     bool
	txnVersion int
	properties map[string]string
	java       []string
	behind     string
}

// Dir keeps the server's configuration, data and log in dir, which Close leaves
// there.
func Dir(dir string) Option { return func(o *options) { o.dir = dir } }

// Detach lets the server outlive this process. Its pid is in Dir, in a file
// named after the server.
func Detach() Option { return func(o *options) { o.detach = true } }

func newServer(name string, opts []Option) (*Server, options, error) {
	o := options{txnVersion: 2}
	for _, opt := range opts {
		opt(&o)
	}
	s := &Server{name: name, dir: o.dir, detach: o.detach}
	var err error
	if s.dir == "" {
		s.ownsDir = true
		s.dir, err = os.MkdirTemp("", "unpark-"+name+"-")
	} else if s.dir, err = filepath.Abs(s.dir); err == nil {
		err = os.MkdirAll(s.dir, 0o755)
	}
	if err != nil {
		return nil, o, fmt.Errorf("start %s: %w", name, err)
	}
	return s, o, nil
}

// Start starts a stopped server on its former port with its former data, and
// waits until it answers.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running() {
		return nil
	}
	if err := s.spawn(); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	if err := s.wait(); err != nil {
		s.kill(syscall.SIGKILL)
		return fmt.Errorf("start %s: %w\n%s", s.name, err, s.logTail())
	}
	return nil
}

func (s *Server) spawn() error {
	out, err := os.OpenFile(s.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.dir, out, out
	// A group of its own: an interrupt at the terminal reaches the test, which
	// then ends it in order.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	start := Spawn
	if s.detach {
		start = launch
	}
	if s.exited, err = start(s.cmd); err != nil {
		return err
	}
	if s.detach {
		return os.WriteFile(filepath.Join(s.dir, s.name+".pid"), fmt.Appendln(nil, s.cmd.Process.Pid), 0o644)
	}
	return nil
}

func (s *Server) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		try, stop := context.WithTimeout(ctx, 5*time.Second)
		err := s.ready(try)
		stop()
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return errors.New("the process ended")
		case <-ctx.Done():
			return fmt.Errorf("no answer within %v: %w", startTimeout, err)
		case <-tick.C:
		}
	}
}

func (s *Server) running() bool {
	if s.cmd == nil {
		return false
	}
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

func (s *Server) kill(sig syscall.Signal) {
	if !s.running() {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, sig) // may be gone already
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.exited
	}
}

// Stop asks the server to end and waits until it has; its data stays.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill(syscall.SIGTERM)
}

// Kill ends the server at once, as a crash would; its data stays.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill(syscall.SIGKILL)
}

// Pause freezes the server until Resume: connections stay open and nothing
// answers.
func (s *Server) Pause() error { return s.signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume() error { return s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running() {
		return fmt.Errorf("signal %s: not running", s.name)
	}
	return syscall.Kill(-s.cmd.Process.Pid, sig)
}

// Exited is closed when the running server has ended.
func (s *Server) Exited() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exited
}

// Pid is the process id of the running server.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Pid
}

// Close ends the server and removes its folder unless Dir named it.
func (s *Server) Close() error {
	s.Kill() // nothing of it is needed any more
	if !s.ownsDir {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// LogFile is where the server's output goes.
func (s *Server) LogFile() string { return filepath.Join(s.dir, s.name+".log") }

func (s *Server) logTail() string {
	b, err := os.ReadFile(s.LogFile())
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-4000):])
}

// fetch returns the folder of a part, fetched if it is not there yet.
func fetch(part string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("bash", filepath.Join(root, "deploy", "local", "fetch.sh"), part)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w\n%s", part, err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}

func moduleRoot() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod above %s", wd)
		}
	}
}

// startFree configures and starts a server on free ports. Between looking and
// binding another process may take one, so that it tries again.
func (s *Server) startFree(ports int, configure func(ports []int) error) (*Server, error) {
	var err error
	for range 3 {
		var free []int
		if free, err = freePorts(ports); err != nil {
			break
		}
		if err = configure(free); err != nil {
			break
		}
		if err = s.Start(); err == nil || !strings.Contains(err.Error(), "ddress already in use") {
			break
		}
	}
	if err == nil {
		return s, nil
	}
	if s.ownsDir {
		_ = os.RemoveAll(s.dir) // the log's end is in err
	}
	return nil, err
}

// freePorts returns n ports that nothing listens on. They lie below the range
// that systems take outgoing ports from: there a client's connection could take
// one while its server is down.
func freePorts(n int) ([]int, error) {
	var ports []int
	for try := 0; len(ports) < n; try++ {
		port := 12000 + (os.Getpid()*61+int(nextPort.Add(1))*7)%18000
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			if try > 1000 {
				return nil, fmt.Errorf("find a free port: %w", err)
			}
			continue
		}
		l.Close()
		ports = append(ports, port)
	}
	return ports, nil
}

// forTest starts a server that ends with the test.
func forTest(t testing.TB, start func(...Option) (*Server, error), opts []Option) string {
	t.Helper()
	skipIfShort(t)
	s, err := start(append([]Option{Dir(t.TempDir())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.Addr
}

func skipIfShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs a process of its own")
	}
}
