package localtest

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

var nextPort atomic.Int64

var (
	sharedKafka     = shared{start: StartKafka}
	sharedElasticMQ = shared{start: StartElasticMQ}
	sharedMoto      = shared{start: StartMoto}
)

// shared is a server that all tests of a process use, started by the first.
type shared struct {
	start  func(...Option) (*Server, error)
	once   sync.Once
	server *Server
	err    error
}

func (s *shared) addr(t testing.TB) string {
	t.Helper()
	skipIfShort(t)
	s.once.Do(func() { s.server, s.err = s.start() })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server.Addr
}

// SharedKafka returns the address of the broker that the tests of this process
// share. Give topics, groups and transactional ids names of the test's own.
func SharedKafka(t testing.TB) string { t.Helper(); return sharedKafka.addr(t) }

// SharedElasticMQ returns the endpoint of the ElasticMQ that the tests of this
// process share. A test that needs a queue for itself creates one.
func SharedElasticMQ(t testing.TB) string { t.Helper(); return sharedElasticMQ.addr(t) }

// SharedMoto returns the endpoint of the moto that the tests of this process
// share.
func SharedMoto(t testing.TB) string { t.Helper(); return sharedMoto.addr(t) }

// Main runs the tests of a package and ends the servers they shared. It returns
// the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	for _, s := range []*shared{&sharedKafka, &sharedElasticMQ, &sharedMoto} {
		if s.server == nil {
			continue
		}
		if err := s.server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}
