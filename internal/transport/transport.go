// Package transport is how unpark speaks HTTP to the world.
//
// Reads: nothing.
// Writes: nothing.
package transport

import (
	"net/http"
	"time"
)

// patience is how long a connection may say nothing before it is asked whether it is
// still there, and how long it may take to answer.
const patience = 5 * time.Second

// New returns Go's default transport, which gives up a connection that has died without
// a word, behind a firewall that forgot it for example, within ten seconds. Over HTTP/2
// all requests to a host share one, which outlives those that time out on it: without
// that a hundred of them would.
func New() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: patience, PingTimeout: patience}
	return t
}
