package genesys

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"unpark/clock"
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

// A connection that is dead without a word is given up within two calls: over HTTP/2 all
// orgs of a region share it.
func TestDeadConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTwin()
		tw.HandleFunc(getConversation, conversation)
		w := &wires{accepted: make(chan net.Conn), dead: make(chan struct{})}
		srv := httptest.NewUnstartedServer(tw)
		_ = srv.Listener.Close()
		srv.Listener, srv.EnableHTTP2 = w, true
		srv.StartTLS()
		defer srv.Close()

		transport := newTransport()
		defer transport.CloseIdleConnections()
		transport.DialContext = w.dial
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AddCert(srv.Certificate())
		conn := testConnection
		conn.API = "https://example.com" // as the certificate has it
		c := NewClient(conn, ClientDeps{Clock: clock.Real(), Log: slog.New(slog.DiscardHandler), Resolve: resolveTest, Transport: transport})
		call := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), checkBudget)
			defer cancel()
			_, err := c.Conversation(ctx, "c")
			return err
		}
		if err := call(); err != nil {
			t.Fatal(err)
		}
		if resp, err := transport.RoundTrip(httptest.NewRequest(http.MethodGet, "https://example.com/", nil)); err != nil || resp.ProtoMajor != 2 || w.dialed.Load() != 1 {
			t.Fatalf("%v, %v over %d connections, want HTTP/2 over one", resp, err, w.dialed.Load())
		}
		close(w.dead)
		begun := time.Now()
		for call() != nil && time.Since(begun) < time.Hour {
		}
		if d := time.Since(begun); d > 2*attemptTimeout {
			t.Errorf("asked in vain for %v", d)
		}
	})
}
