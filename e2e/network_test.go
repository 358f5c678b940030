package e2e

import (
	"strings"
	"testing"
	"time"

	"unpark/internal/localtest"
)

// TestNetwork lets one process reach its broker through a network that is cut,
// slow, or swallows everything without a word, while another process and the load
// go around it: whatever the first had begun must not count twice, nor be lost.
func TestNetwork(t *testing.T) {
	parallel(t)
	p := newProxy(t)
	broker := startKafka(t, localtest.Behind(p.Listen))
	p.leadTo(broker.Second)
	d := deploy(t, broker.Addr, "")
	l := startLoad(t, d)
	far := d.runFolder("far", d.edit(d.folder("far"), d.broker, p.Listen), "processor").ready()
	near := d.run("near", "processor").ready()
	for range tries(t) {
		grew(t, d, 100)
		p.cut() // too short for the group to notice
		until(t, time.Now().Add(time.Second))
		p.mend()
		grew(t, d, 100)
		p.slow()
		grew(t, d, 200)
		p.calm()
		p.hang() // beyond both time-outs
		until(t, time.Now().Add(sessionAndTransaction))
		grew(t, d, 400) // of all partitions: the other works them alone
		p.calm()
		grew(t, d, 100)
	}
	report(t, faultSection, "network of one process cut for a second, slow, then silent past both time-outs", tries(t), verified(t, d, l, far, near))
}

// TestNetworkCutAlone cuts the only process off for longer than its session and
// its transaction may last: nobody takes over, and it goes on where it was.
func TestNetworkCutAlone(t *testing.T) {
	long(t)
	parallel(t)
	p := newProxy(t)
	broker := startKafka(t, localtest.Behind(p.Listen))
	p.leadTo(broker.Second)
	d := deploy(t, broker.Addr, "")
	l := startLoad(t, d)
	far := d.runFolder("far", d.edit(d.folder("far"), d.broker, p.Listen), "processor").ready()
	for range tries(t) {
		grew(t, d, 100)
		p.cut()
		until(t, time.Now().Add(sessionAndTransaction))
		p.mend()
		grew(t, d, 400)
	}
	report(t, faultSection, "the only process cut off past both time-outs", tries(t), verified(t, d, l, far))
}

// startKafka starts a broker that a test stops, breaks or stands a proxy before.
func startKafka(t *testing.T, opts ...localtest.Option) *localtest.Server {
	t.Helper()
	return startCluster(t, 1, opts...)[0]
}

func startCluster(t *testing.T, n int, opts ...localtest.Option) []*localtest.Server {
	t.Helper()
	nodes, err := localtest.StartKafkaCluster(n, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, s := range nodes {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return nodes
}

func addresses(nodes []*localtest.Server) string {
	var list []string
	for _, n := range nodes {
		list = append(list, n.Addr)
	}
	return strings.Join(list, ",")
}
