package localtest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// node is one of the nodes of a cluster.
type node struct {
	id, of int
	ports  []int // of clients, of the controllers, of those behind a proxy
	voters string
}

// portsANode is how many ports a node listens on at most.
const portsANode = 3

// StartKafkaCluster starts a cluster of nodes that are brokers and controllers
// both. Kafka's own topics lie on all of them, and so may others; they want all
// nodes but one in sync. The nodes' Addr lead to the same cluster.
func StartKafkaCluster(n int, opts ...Option) ([]*Server, error) {
	jars, err := fetch("kafka")
	if err != nil {
		return nil, err
	}
	// Between looking for a free port and binding, another process may take it.
	for range 3 {
		var nodes []*Server
		if nodes, err = tryKafkaCluster(n, jars, opts); err == nil {
			return nodes, nil
		}
		for _, s := range nodes {
			err = errors.Join(err, s.Close())
		}
		if !strings.Contains(err.Error(), "ddress already in use") {
			break
		}
	}
	return nil, err
}

// tryKafkaCluster returns also after an error what the caller has to close.
func tryKafkaCluster(n int, jars string, opts []Option) (nodes []*Server, err error) {
	ports, err := freePorts(portsANode * n)
	if err != nil {
		return nil, err
	}
	var voters []string
	for i := range n {
		voters = append(voters, strconv.Itoa(i+1)+"@"+address(ports[portsANode*i+1]))
	}
	cluster := clusterID()
	for i := range n {
		s, o, err := newServer("kafka", opts)
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, s)
		if n > 1 && !s.ownsDir { // Dir is the cluster's
			s.dir = filepath.Join(s.dir, strconv.Itoa(i+1))
		}
		at := node{id: i + 1, of: n, ports: ports[portsANode*i : portsANode*(i+1)], voters: strings.Join(voters, ",")}
		if err := s.prepareKafka(jars, at, o, cluster); err != nil {
			return nodes, err
		}
	}
	return nodes, startAll(nodes)
}

// startAll starts the nodes side by side: none is ready before most of them are.
func startAll(nodes []*Server) error {
	var wg sync.WaitGroup
	errs := make([]error, len(nodes))
	for i, s := range nodes {
		wg.Go(func() { errs[i] = s.Start() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// prepareKafka writes the configuration of a node and formats its storage.
func (s *Server) prepareKafka(jars string, n node, o options, cluster string) error {
	properties, logging := filepath.Join(s.dir, "server.properties"), filepath.Join(s.dir, "log4j2.yaml")
	// Quick to start and small rather than fast: one heap that a laptop spares, no
	// second compiler, no collector threads.
	small := []string{"-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}
	common := []string{"-Dlog4j2.configurationFile=" + logging, "-cp", filepath.Join(jars, "*")}
	java := slices.Concat([]string{"java"}, small, common)
	if o.java == nil {
		o.java = small
	}
	s.Addr, s.Second = address(n.ports[0]), address(n.ports[2])
	s.args = slices.Concat([]string{"java"}, o.java, common, []string{"kafka.Kafka", properties})
	s.ready = func(ctx context.Context) error { return brokerReady(ctx, s.Addr) }
	err := errors.Join(
		os.MkdirAll(s.dir, 0o755),
		os.WriteFile(logging, []byte(kafkaLogging), 0o644),
		os.WriteFile(properties, kafkaProperties(s.dir, n, o), 0o644),
	)
	if err != nil {
		return fmt.Errorf("configure kafka: %w", err)
	}
	return formatStorage(java, properties, cluster, o.txnVersion)
}

func clusterID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	id[0] &= 0x7f        // a leading "-" would look like an option
	return base64.RawURLEncoding.EncodeToString(id)
}
