//go:build crashpoints

package stream

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A binary built with the tag crashpoints kills itself (SIGKILL, as an operator's
// kill -9 or the kernel would) when it passes the point that UNPARK_CRASH names
// for the n-th time: UNPARK_CRASH=after-begin:3.
var crash = parseCrash(os.Getenv("UNPARK_CRASH"))

type crashAt struct {
	point string
	left  atomic.Int64
}

func parseCrash(s string) *crashAt {
	point, n, ok := strings.Cut(s, ":")
	c := &crashAt{point: point}
	if left, err := strconv.ParseInt(n, 10, 64); ok && err == nil {
		c.left.Store(left)
	}
	return c
}

func crashpoint(point string) {
	if crash.point != point || crash.left.Add(-1) != 0 {
		return
	}
	if point == "mid-excise" { // somewhere within what comes next
		time.AfterFunc(rand.N(3*time.Millisecond), die)
		return
	}
	die()
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// crashFlushInterval lets a process come to the points of a flush before long.
const crashFlushInterval = 500 * time.Millisecond

// crashHooks are points on the wire, within the client's End.
func crashHooks() []kgo.Opt { return []kgo.Opt{kgo.WithHooks(wire{})} }

type wire struct{}

func (wire) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if err == nil && key == int16(kmsg.EndTxn) {
		crashpoint("after-endtxn-sent")
	}
}

func (wire) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if err == nil && key == int16(kmsg.TxnOffsetCommit) {
		crashpoint("after-offsets")
	}
}
