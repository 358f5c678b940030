package e2e

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"unpark/internal/localtest"
)

// TestBrokerRestarted stops the broker in order under load and starts it again. It
// is a part of `make kill`, as whatever restarts the only broker is: on a loaded
// machine that may lose the markers of a transaction for good (DECISIONS.md), after
// which what it did keep of that transaction is told twice.
func TestBrokerRestarted(t *testing.T) {
	long(t)
	parallel(t)
	broker := startKafka(t)
	d := deploy(t, broker.Addr, "")
	l := startLoad(t, d)
	p := d.run("processor", "processor").ready()
	for range tries(t) {
		grew(t, d, 100)
		broker.Stop()
		if err := broker.Start(); err != nil {
			t.Fatal(err)
		}
	}
	grew(t, d, 100)
	report(t, faultSection, "the only broker restarted", tries(t), verified(t, d, l, p))
}

// TestBrokerKilled kills the broker hard under load and starts it again.
func TestBrokerKilled(t *testing.T) {
	long(t)
	parallel(t)
	broker := startKafka(t)
	d := deploy(t, broker.Addr, "")
	l := startLoad(t, d)
	p := d.run("processor", "processor").ready()
	for range tries(t) {
		grew(t, d, 100)
		broker.Kill()
		if err := broker.Start(); err != nil {
			t.Fatal(err)
		}
	}
	grew(t, d, 100)
	report(t, faultSection, "the only broker killed hard", tries(t), verified(t, d, l, p))
}

// TestBrokersOfThree restarts each broker of three in turn, in order and then hard,
// under twice the load: what a rolling update and a lost machine are to a cluster
// with three replicas of which two must be in sync.
func TestBrokersOfThree(t *testing.T) {
	long(t)
	parallel(t)
	nodes := startCluster(t, 3)
	d := deploy(t, addresses(nodes), "")
	l := startLoad(t, d, each(2*loadEach))
	p := d.run("processor", "processor").ready()
	for range tries(t) {
		for _, end := range []func(*localtest.Server){(*localtest.Server).Stop, (*localtest.Server).Kill} {
			for _, node := range nodes {
				grew(t, d, 200)
				end(node)
				if err := node.Start(); err != nil {
					t.Fatal(err)
				}
				eventually(t, time.Minute, "all replicas are in sync", d.inSync)
			}
		}
	}
	grew(t, d, 200)
	report(t, faultSection, "each broker of three restarted in order and killed hard", 2*len(nodes)*tries(t), verified(t, d, l, p))
}

// TestBrokerDiskFull takes all space from the broker, which then ends itself, and
// gives it back. The processor waits for it.
func TestBrokerDiskFull(t *testing.T) {
	long(t)
	parallel(t)
	disk := smallDisk(t, 256<<20)
	broker := startKafka(t, localtest.KafkaProperty("log.dirs", filepath.Join(disk.dir, "data")))
	d := deploy(t, broker.Addr, "")
	l := startLoad(t, d)
	p := d.run("processor", "processor").ready()
	for range tries(t) {
		grew(t, d, 100)
		disk.fill()
		select {
		case <-broker.Exited():
		case <-time.After(time.Minute):
			t.Fatal("the broker goes on without space")
		}
		disk.clear()
		if err := broker.Start(); err != nil {
			t.Fatal(err)
		}
	}
	grew(t, d, 100)
	report(t, faultSection, "the only broker out of disk", tries(t), verified(t, d, l, p))
}

// TestCoordinatorMoves takes the broker away that coordinates the group and the
// transactions, first in order and then hard: of three brokers two remain, and
// the processor finds the new coordinator.
func TestCoordinatorMoves(t *testing.T) {
	long(t)
	parallel(t)
	nodes := startCluster(t, 3)
	d := deploy(t, addresses(nodes), "")
	l := startLoad(t, d)
	p := d.run("processor", "processor").ready()
	for try := range tries(t) {
		for i, end := range []func(*localtest.Server){(*localtest.Server).Stop, (*localtest.Server).Kill} {
			grew(t, d, 100)
			was := d.coordinator()
			end(nodes[was-1])
			grew(t, d, 200)
			if is := d.coordinator(); is == was {
				t.Errorf("try %d.%d: the coordinator is still node %d", try, i, was)
			}
			if err := nodes[was-1].Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, time.Minute, "all replicas are in sync", d.inSync)
		}
	}
	report(t, faultSection, "the coordinator moved, its broker stopped and killed", 2*tries(t), verified(t, d, l, p))
}

// coordinator returns the node that coordinates the transactions of the processor.
func (d *deployment) coordinator() int32 {
	d.t.Helper()
	adm, err := kadm.NewOptClient(d.seeds())
	if err != nil {
		d.t.Fatal(err)
	}
	defer adm.Close()
	found := adm.FindTxnCoordinators(d.t.Context(), strings.TrimSuffix(d.prefix, ".")+"-processor-processor-0")
	if err := found.Error(); err != nil {
		d.t.Fatal(err)
	}
	node := int32(-1)
	found.Each(func(r kadm.FindCoordinatorResponse) { node = r.NodeID })
	return node
}

// inSync says which partitions have lost a replica, of Kafka's own topics too.
func (d *deployment) inSync() error {
	adm, err := kadm.NewOptClient(d.seeds())
	if err != nil {
		return err
	}
	defer adm.Close()
	ctx, cancel := context.WithTimeout(d.t.Context(), 10*time.Second)
	defer cancel()
	topics, err := adm.ListTopicsWithInternal(ctx)
	if err != nil {
		return err
	}
	var errs []error
	topics.EachPartition(func(p kadm.PartitionDetail) {
		if len(p.ISR) < len(p.Replicas) {
			errs = append(errs, fmt.Errorf("%s/%d has %d of %d", p.Topic, p.Partition, len(p.ISR), len(p.Replicas)))
		}
	})
	return errors.Join(errs...)
}
