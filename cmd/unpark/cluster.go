package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"unpark/config"
	"unpark/connectors/kafka"
	"unpark/connectors/orgconfig"
	"unpark/secrets"
)

// cluster is the brokers that a command works on: those of unpark.yaml, else the
// embedded one of an unpark that runs now.
type cluster struct {
	config *config.Config
	kafka  []kgo.Opt
	layout kafka.Layout
}

// configFlag adds --config to a command.
func configFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "config", "", "folder of the configuration")
}

var errNoConfig = usageError{errors.New("--config is missing")}

// openCluster reads the folder and finds the brokers it names.
func openCluster(ctx context.Context, dir string) (*cluster, error) {
	if dir == "" {
		return nil, errNoConfig
	}
	cfg, problems := config.Load(dir)
	if err := problems.Err(config.AboutRules, config.AboutRoutes, config.AboutGenesys, config.AboutFuture); err != nil {
		return nil, err
	}
	c := &cluster{config: cfg, layout: cfg.Process.Topics}
	if len(cfg.Process.Kafka.Brokers) > 0 {
		opts, err := kafka.Options(ctx, cfg.Process.Kafka, secrets.Resolver{Dir: cfg.Process.SecretsDir}.Resolve)
		if err != nil {
			return nil, err
		}
		c.kafka = opts
		return c, kafka.CheckBrokers(ctx, opts)
	}
	address, ok := kafka.EmbeddedAddress(cfg.Process.Processor.DataDir)
	if !ok {
		return nil, fmt.Errorf("unpark.yaml names no kafka.brokers, and no `unpark run` keeps an embedded broker in %s",
			cfg.Process.Processor.DataDir)
	}
	c.kafka, c.layout.Embedded = []kgo.Opt{kgo.SeedBrokers(address)}, true
	return c, nil
}

// client returns a client of the cluster, which the caller closes.
func (c *cluster) client() (*kgo.Client, error) {
	cl, err := kgo.NewClient(c.kafka...)
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	return cl, nil
}

// withOrgs calls f with org-config, read to its end.
func (c *cluster) withOrgs(ctx context.Context, f func(*orgconfig.Store) error) error {
	orgs, err := followOrgs(ctx, c.kafka, c.layout.Prefix, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return errors.Join(f(orgs.Store), orgs.close())
}
