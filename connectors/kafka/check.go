package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	checkTimeout = 10 * time.Second

	// Since level 2 (KIP-890) a transaction of a producer that was thought dead
	// cannot reach into the next one.
	txnFeature  = "transaction.version"
	txnRequired = 2
)

// CheckCluster says why unpark cannot run on the cluster: CheckBrokers, and the
// topics must be as the table has them, but for what is only a warning.
func CheckCluster(ctx context.Context, opts []kgo.Opt, l Layout) error {
	if err := CheckBrokers(ctx, opts); err != nil {
		return err
	}
	adm, err := kadm.NewOptClient(opts...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer adm.Close()
	differences, err := CheckTopics(ctx, adm, l)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	var bad []string
	for _, d := range differences {
		if !d.Warning {
			bad = append(bad, d.String())
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("kafka: the topics are not as unpark needs them:\n%s", strings.Join(bad, "\n"))
	}
	return nil
}

// CheckBrokers says in one sentence why unpark cannot work with the brokers: none
// can be reached, or they are older than Kafka 4.0.
func CheckBrokers(ctx context.Context, opts []kgo.Opt) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	failed := new(dialFailures)
	cl, err := kgo.NewClient(append(opts[:len(opts):len(opts)],
		kgo.WithHooks(failed), kgo.DialTimeout(checkTimeout/2), kgo.RequestRetries(2))...)
	if err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	defer cl.Close()
	versions, err := kadm.NewClient(cl).ApiVersions(ctx)
	if err != nil {
		return failed.explain(err)
	}
	var one kadm.BrokerApiVersions
	for _, v := range versions.Sorted() {
		if one = v; v.Err == nil {
			break
		}
	}
	if one.Err != nil {
		return failed.explain(one.Err)
	}
	return checkFeature(one)
}

// checkFeature looks at what the cluster agreed on, which any broker tells.
func checkFeature(v kadm.BrokerApiVersions) error {
	var level, possible int16
	for _, f := range v.Raw().FinalizedFeatures {
		if f.Name == txnFeature {
			level = f.MaxVersionLevel
		}
	}
	for _, f := range v.Raw().SupportedFeatures {
		if f.Name == txnFeature {
			possible = f.MaxVersion
		}
	}
	switch {
	case level >= txnRequired:
		return nil
	case possible >= txnRequired:
		return fmt.Errorf("kafka: the cluster is at %s=%d and unpark needs %d, which its brokers can do; run: kafka-features.sh upgrade --feature %[1]s=%[3]d", txnFeature, level, txnRequired)
	}
	return fmt.Errorf("kafka: the brokers are older than Kafka 4.0: they offer %s=%d and unpark needs %d", txnFeature, possible, txnRequired)
}

// dialFailures remembers why connections could not be made; the client itself
// reports a timeout without its cause.
type dialFailures struct {
	mu      sync.Mutex
	order   []string
	because map[string]error
}

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (f *dialFailures) OnBrokerConnect(b kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	address := net.JoinHostPort(b.Host, fmt.Sprint(b.Port))
	if f.because == nil {
		f.because = make(map[string]error)
	}
	if _, ok := f.because[address]; !ok {
		f.order = append(f.order, address)
	}
	f.because[address] = err
}

// explain says which brokers were tried and what each of them was like.
func (f *dialFailures) explain(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.order) == 0 {
		return fmt.Errorf("kafka: %w", err)
	}
	var tried []string
	for _, address := range f.order {
		tried = append(tried, address+": "+cause(f.because[address]).Error())
	}
	return fmt.Errorf("kafka: no broker can be reached (%s)", strings.Join(tried, "; "))
}

// cause leaves out the addresses that net puts around it.
func cause(err error) error {
	var oe *net.OpError
	if errors.As(err, &oe) {
		return cause(oe.Err)
	}
	var de *net.DNSError
	if errors.As(err, &de) {
		return errors.New(de.Err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer")
	}
	return err
}
