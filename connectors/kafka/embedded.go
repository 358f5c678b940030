package kafka

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Files of the embedded broker in the data dir.
const (
	brokerDir   = "broker"
	lockFile    = "broker.lock"
	addressFile = "broker.addr"
)

// Embedded is a broker in this process, for laptops, the demo and tests. What is
// written to it outlives the process, not the machine's crash.
type Embedded struct {
	cluster *kfake.Cluster
	lock    *os.File
	dir     string
	address string
}

// StartEmbedded starts a broker whose logs lie under dir, creates unpark's
// topics on it and writes its address into dir, where EmbeddedAddress finds it.
// One process at a time may use dir.
func StartEmbedded(ctx context.Context, dir string, l Layout, logger *slog.Logger) (*Embedded, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	held, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	cluster, err := kfake.NewCluster(embeddedOptions(dir, logger)...)
	if err != nil {
		held.Close()
		return nil, fmt.Errorf("embedded broker in %s: %w", dir, err)
	}
	e := &Embedded{cluster: cluster, lock: held, dir: dir, address: cluster.ListenAddrs()[0]}
	if err := e.announce(ctx, l); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func embeddedOptions(dir string, logger *slog.Logger) []kfake.Opt {
	return []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.DataDir(filepath.Join(dir, brokerDir)),
		// A new folder is a new cluster: state beside it that came from another
		// one is restored anew. An existing folder keeps its id.
		kfake.ClusterID(randomID()),
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.WithLogger(brokerLog{logger}),
		// A laptop that stays closed for a holiday keeps its place.
		kfake.BrokerConfigs(map[string]string{"offsets.retention.minutes": "525600"}),
	}
}

// announce makes the topics, then tells others of the broker.
func (e *Embedded) announce(ctx context.Context, l Layout) error {
	cl, err := kgo.NewClient(e.Options()...)
	if err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	defer cl.Close()
	l.Embedded = true
	if _, err := CreateTopics(ctx, kadm.NewClient(cl), l); err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	if err := writeFile(filepath.Join(e.dir, addressFile), e.address+"\n"); err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	return nil
}

// Address returns the broker's host and port.
func (e *Embedded) Address() string { return e.address }

// Options returns what a client needs to reach the broker.
func (e *Embedded) Options() []kgo.Opt { return []kgo.Opt{kgo.SeedBrokers(e.address)} }

// Close saves and stops the broker. Close its clients first.
func (e *Embedded) Close() error {
	err := os.Remove(filepath.Join(e.dir, addressFile))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	e.cluster.Close()
	return errors.Join(err, e.lock.Close())
}

// EmbeddedAddress returns the address of the broker that another process runs
// in dir. One that was killed leaves its address behind, so it must answer.
func EmbeddedAddress(dir string) (string, bool) {
	b, err := os.ReadFile(filepath.Join(dir, addressFile))
	if err != nil {
		return "", false
	}
	address := strings.TrimSpace(string(b))
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return "", false
	}
	conn.Close()
	return address, true
}

func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("data dir %s is in use by another unpark; stop that one or choose another processor.data_dir", dir)
	}
	return f, nil
}

// writeFile replaces the file whole: a reader sees the old or the new content.
func writeFile(path, content string) error {
	if err := os.WriteFile(path+".tmp", []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func randomID() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
