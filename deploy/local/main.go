// Command local starts a Kafka broker and an ElasticMQ to try unpark against,
// and leaves them running: deploy/local/up.sh calls it, down.sh ends them.
//
// Reads: nothing.
// Writes: nothing.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"unpark/internal/localtest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: local DIR")
		os.Exit(2)
	}
	if err := up(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

func up(dir string) (err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	opts := []localtest.Option{localtest.Dir(dir), localtest.Detach()}
	kafka, err := localtest.StartKafka(opts...)
	if err != nil {
		return err
	}
	sqs, err := localtest.StartElasticMQ(opts...)
	if err != nil {
		return errors.Join(err, kafka.Close())
	}
	config := filepath.Join(dir, "unpark.yaml")
	text := fmt.Sprintf(`kafka: {brokers: ["%s"]}
topics: {replication: 1}
bridge:
  sources:
    - {sqs: {url: "%s", endpoint: "%s"}}
`, kafka.Addr, localtest.QueueURL(sqs.Addr, localtest.Queue), sqs.Addr)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return errors.Join(err, sqs.Close(), kafka.Close())
	}
	fmt.Printf(`Kafka      %s
ElasticMQ  %s
queue      %s
data, logs %s

The two as a configuration are in %s:

%s
ElasticMQ takes any credentials, but the AWS client wants some:

export AWS_REGION=%s AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local

deploy/local/down.sh ends both and removes their data.
`, kafka.Addr, sqs.Addr, localtest.QueueURL(sqs.Addr, localtest.Queue), dir, config, text, localtest.Region)
	return nil
}
