package transport_test

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"unpark/internal/transport"
)

// wires are connections in memory, of which the first may go dead without a word.
type wires struct {
	accepted chan net.Conn
	dialed   atomic.Int32
	dead     chan struct{}
	closed   sync.Once
}

func (w *wires) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	w.accepted <- theirs
	if w.dialed.Add(1) == 1 {
		return &wire{ours, w.dead}, nil
	}
	return ours, nil
}

func (w *wires) Accept() (net.Conn, error) {
	if c, ok := <-w.accepted; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (w *wires) Close() error   { w.closed.Do(func() { close(w.accepted) }); return nil }
func (w *wires) Addr() net.Addr { return &net.TCPAddr{} }

// wire swallows what is written once it is dead.
type wire struct {
	net.Conn
	dead chan struct{}
}

func (w *wire) Write(b []byte) (int, error) {
	select {
	case <-w.dead:
		return len(b), nil
	default:
		return w.Conn.Write(b)
	}
}

// A connection that is dead without a word is given up within two requests: over HTTP/2
// all requests to a host share it.
func TestDeadConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wires{accepted: make(chan net.Conn), dead: make(chan struct{})}
		srv := httptest.NewUnstartedServer(http.NotFoundHandler())
		_ = srv.Listener.Close()
		srv.Listener, srv.EnableHTTP2 = w, true
		srv.StartTLS()
		defer srv.Close()

		through := transport.New()
		defer through.CloseIdleConnections()
		through.DialContext = w.dial
		through.TLSClientConfig.RootCAs = x509.NewCertPool()
		through.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
		client := &http.Client{Transport: through, Timeout: 15 * time.Second}
		call := func() (major int) {
			resp, err := client.Get("https://example.com/") // as the certificate has it
			if err != nil {
				return 0
			}
			_ = resp.Body.Close()
			return resp.ProtoMajor
		}
		if major := call(); major != 2 {
			t.Fatalf("HTTP/%d, want 2", major)
		}
		if call(); w.dialed.Load() != 1 {
			t.Fatalf("%d connections, want one", w.dialed.Load())
		}
		close(w.dead)
		begun := time.Now()
		for call() == 0 && time.Since(begun) < time.Hour {
		}
		if d := time.Since(begun); d > 2*client.Timeout {
			t.Errorf("asked in vain for %v", d)
		}
	})
}
