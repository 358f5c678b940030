package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"unpark/schemas"
)

// CreateTopics creates those of unpark's topics that are missing, with their
// settings, and returns the names of those it made. What is there is left as it
// is; CheckTopics compares it.
func CreateTopics(ctx context.Context, adm *kadm.Client, l Layout) (created []string, err error) {
	if err := l.Validate(); err != nil {
		return nil, fmt.Errorf("topics: %w", err)
	}
	have, err := listTopics(ctx, adm, l)
	if err != nil {
		return nil, err
	}
	for _, t := range schemas.Topics() {
		if have.Has(t.Name(l.Prefix)) {
			continue
		}
		made, err := createTopic(ctx, adm, l, t)
		if err != nil {
			return created, err
		}
		if made {
			created = append(created, t.Name(l.Prefix))
		}
	}
	return created, awaitTopics(ctx, adm, l)
}

// awaitTopics waits until the brokers show the topics with all their partitions:
// a broker knows what a controller has created a moment later.
func awaitTopics(ctx context.Context, adm *kadm.Client, l Layout) error {
	show := func() (struct{}, error) {
		have, err := listTopics(ctx, adm, l)
		if err != nil {
			return struct{}{}, err
		}
		for _, t := range schemas.Topics() {
			d, ok := have[t.Name(l.Prefix)]
			if !ok || d.Err != nil || len(d.Partitions) == 0 {
				return struct{}{}, fmt.Errorf("topic %s was created and is not shown by the brokers", t.Name(l.Prefix))
			}
		}
		return struct{}{}, nil
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 20*time.Millisecond, time.Second
	_, err := backoff.Retry(ctx, show, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(awaitWithin))
	return err
}

// awaitWithin bounds how long created topics are waited for.
const awaitWithin = 30 * time.Second

// createTopic reports whether it was this call that made the topic: somebody
// else may be creating the same ones.
func createTopic(ctx context.Context, adm *kadm.Client, l Layout, t schemas.Topic) (bool, error) {
	config := make(map[string]*string)
	for k, v := range l.config(t) {
		config[k] = &v
	}
	resp, err := adm.CreateTopic(ctx, l.partitions(t), l.replication(), config, t.Name(l.Prefix))
	switch {
	case errors.Is(err, kerr.TopicAlreadyExists):
		return false, nil
	case err != nil && resp.ErrMessage != "":
		return false, fmt.Errorf("create topic %s: %w: %s", t.Name(l.Prefix), err, resp.ErrMessage)
	case err != nil:
		return false, fmt.Errorf("create topic %s: %w", t.Name(l.Prefix), err)
	}
	return true, nil
}

// listTopics asks the brokers. Without WithAuthorizedOps the client would answer
// from its cache, which knows for five seconds that a topic was not there.
func listTopics(ctx context.Context, adm *kadm.Client, l Layout) (kadm.TopicDetails, error) {
	have, err := adm.ListTopics(kadm.WithAuthorizedOps(ctx), names(l)...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	return have, nil
}

func names(l Layout) []string {
	var ns []string
	for _, t := range schemas.Topics() {
		ns = append(ns, t.Name(l.Prefix))
	}
	return ns
}
