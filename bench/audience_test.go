package bench

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// audience is whoever is told, all of them behind one address. It speaks no more of
// HTTP than a notifier needs that keeps its connections: what it takes of the machine
// is not what is measured.
type audience struct {
	address string
	n       atomic.Int64 // messages told
	out     atomic.Bool

	mu   sync.Mutex
	ages []time.Duration
}

// What it answers: 2xx with Slack's word, or that it is out.
const (
	tookIt = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nDate: Mon, 05 Jan 2026 12:00:00 GMT\r\nContent-Length: 2\r\n\r\nok"
	isOut  = "HTTP/1.1 503 Service Unavailable\r\nDate: Mon, 05 Jan 2026 12:00:00 GMT\r\nContent-Length: 0\r\n\r\n"
)

func newAudience(t *testing.T) *audience {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	t.Setenv("UNPARK_BENCH_KEY", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	a := &audience{address: "http://" + l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go a.listen(c)
		}
	}()
	return a
}

// listen takes one message after the other until the connection ends.
func (a *audience) listen(c net.Conn) {
	defer c.Close()
	in := bufio.NewReaderSize(c, 32<<10)
	for {
		hook, length, err := head(in)
		if err != nil {
			return
		}
		body, err := in.Peek(length)
		if err != nil {
			return
		}
		answer := tookIt
		if a.out.Load() {
			answer = isOut
		} else {
			if hook {
				a.note(body)
			}
			a.n.Add(1)
		}
		_, _ = in.Discard(length)
		if _, err := io.WriteString(c, answer); err != nil {
			return
		}
	}
}

// head reads the head of a request: whether it is for a webhook, and how long its
// body is.
func head(in *bufio.Reader) (hook bool, length int, err error) {
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return false, 0, err
		}
		if first {
			hook = bytes.HasPrefix(line, []byte("POST /hook"))
		}
		if n, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(n))); err != nil {
				return false, 0, err
			}
		}
		if len(line) <= len("\r\n") {
			return hook, length, nil
		}
	}
}

// note remembers how old an alert is.
func (a *audience) note(body []byte) {
	_, rest, _ := bytes.Cut(body, []byte(`"at":"`))
	at, err := time.Parse(time.RFC3339, string(rest[:min(len(rest), len("2006-01-02T15:04:05.000Z"))]))
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ages = append(a.ages, time.Since(at).Round(time.Millisecond))
}

// late returns how old alerts were, sorted, and forgets it.
func (a *audience) late() []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	ages := a.ages
	a.ages = nil
	slices.Sort(ages)
	return ages
}
