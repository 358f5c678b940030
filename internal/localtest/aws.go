package localtest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// What ElasticMQ has when it starts, and what it calls itself. It takes any
// credentials.
const (
	// Queue hides a message for 5 s once received; one that was received
	// MaxReceives times goes to DeadLetterQueue at the next receive.
	Queue           = "genesys"
	DeadLetterQueue = "genesys-dlq"
	// PlainQueue has no redrive policy.
	PlainQueue  = "genesys-plain"
	MaxReceives = 3
	Region      = "eu-west-1"
	Account     = "000000000000"
)

// ElasticMQ starts an SQS for a test and returns its endpoint.
func ElasticMQ(t testing.TB, opts ...Option) string {
	t.Helper()
	return forTest(t, StartElasticMQ, opts)
}

// Moto starts moto's EventBridge, SQS and the rest of its AWS for a test and
// returns its endpoint. It is for tens of messages; rules on a bus need a plain
// bus name, without slashes; its envelopes lack the account.
func Moto(t testing.TB, opts ...Option) string {
	t.Helper()
	return forTest(t, StartMoto, opts)
}

// QueueURL returns the URL of a queue of the ElasticMQ at endpoint.
func QueueURL(endpoint, queue string) string { return endpoint + "/" + Account + "/" + queue }

// StartElasticMQ starts an ElasticMQ with the queues named above, in memory.
func StartElasticMQ(opts ...Option) (*Server, error) {
	jars, err := fetch("elasticmq")
	if err != nil {
		return nil, err
	}
	s, _, err := newServer("elasticmq", opts)
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(s.dir, "elasticmq.conf")
	s.args = []string{
		"java", "-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dconfig.file=" + conf, "-cp", filepath.Join(jars, "*"), "org.elasticmq.server.Main",
	}
	s.ready = func(ctx context.Context) error { return httpReady(ctx, s.Addr+"/?Action=ListQueues") }
	return s.startFree(1, func(ports []int) error {
		s.Addr = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
		return os.WriteFile(conf, fmt.Appendf(nil, elasticMQConf, ports[0], MaxReceives), 0o644)
	})
}

const elasticMQConf = `include classpath("application.conf")

node-address { protocol = http, host = "127.0.0.1", port = %[1]d, context-path = "" }
rest-sqs { enabled = true, bind-hostname = "127.0.0.1", bind-port = %[1]d, sqs-limits = strict }
rest-stats { enabled = false }
aws { region = ` + Region + `, accountId = "` + Account + `" }

queues {
  ` + Queue + ` {
    defaultVisibilityTimeout = 5 seconds
    delay = 0 seconds
    receiveMessageWait = 0 seconds
    deadLettersQueue { name = "` + DeadLetterQueue + `", maxReceiveCount = %[2]d }
  }
  ` + DeadLetterQueue + ` {
    defaultVisibilityTimeout = 5 seconds
    delay = 0 seconds
    receiveMessageWait = 0 seconds
  }
  ` + PlainQueue + ` {
    defaultVisibilityTimeout = 5 seconds
    delay = 0 seconds
    receiveMessageWait = 0 seconds
  }
}
`

// StartMoto starts a moto server without any resources.
func StartMoto(opts ...Option) (*Server, error) {
	venv, err := fetch("moto")
	if err != nil {
		return nil, err
	}
	s, _, err := newServer("moto", opts)
	if err != nil {
		return nil, err
	}
	s.ready = func(ctx context.Context) error { return httpReady(ctx, s.Addr+"/moto-api/") }
	return s.startFree(1, func(ports []int) error {
		s.Addr = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
		s.args = []string{filepath.Join(venv, "bin", "python3"), "-m", "moto.server", "-H", "127.0.0.1", "-p", fmt.Sprint(ports[0])}
		return nil
	})
}

func httpReady(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return nil
}
