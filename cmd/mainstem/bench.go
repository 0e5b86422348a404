package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/bench"
	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
)

func (a *app) benchCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure any Kafka: produce, consume, end to end"}
	cmd.AddCommand(
		a.benchJob("produce", "Write records as fast as possible, by waiting producers, or at a fixed rate",
			"  mainstem bench produce --records 5000000 --size 100\n  mainstem bench produce --producers 64 --duration 10s\n  mainstem bench produce --rate 2000 --duration 15s", bench.Produce),
		a.benchJob("consume", "Read a topic from start to end", "  mainstem bench consume", bench.Consume),
		a.benchJob("txn", "Run transactions one after the other, by waiting producers",
			"  mainstem bench txn --txn-records 10 --producers 64 --duration 10s", bench.Transactions),
		a.benchJob("commit", "Commit offsets in many groups, by waiting committers or at a fixed rate",
			"  mainstem bench commit --groups 1000 --rate 1000 --duration 15s\n  mainstem bench commit --producers 64 --duration 10s", bench.Commit),
		a.benchJobs("rebalance", "Let a group of many members come together, then one member more",
			"  mainstem bench rebalance --members 1000 --partitions 10000\n  mainstem bench rebalance --members 1000 --protocol classic", bench.Rebalance),
		a.benchJob("e2e", "Send at a fixed rate and time the arrival at a consumer", "  mainstem bench e2e --rate 2000 --duration 15s", bench.EndToEnd),
	)
	return cmd
}

func (a *app) benchJob(name, short, example string, job func(context.Context, bench.Config) (bench.Result, error)) *cobra.Command {
	return a.benchJobs(name, short, example, func(ctx context.Context, c bench.Config) ([]bench.Result, error) {
		r, err := job(ctx, c)
		return []bench.Result{r}, err
	})
}

func (a *app) benchJobs(name, short, example string, job func(context.Context, bench.Config) ([]bench.Result, error)) *cobra.Command {
	c := bench.Config{}
	configs, settle := []string{}, time.Duration(0)
	cmd := &cobra.Command{
		Use: name, Short: short, Example: example, Args: cobra.NoArgs,
		Long: short + ".\n\nLatency at a fixed rate counts from the intended time of sending. --server-pid adds the server's CPU time.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if c.Client, err = a.options(); err != nil {
				return err
			}
			if c.Records == 0 && name != "consume" {
				c.Records = 1_000_000
				if c.Duration > 0 {
					c.Records = 1 << 40
				}
			}
			if err := a.benchTopic(cmd.Context(), &c, configs, settle); err != nil {
				return err
			}
			r, err := job(cmd.Context(), c)
			if err != nil {
				return err
			}
			return output.Print(a.env.Stdout, a.format, r)
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Topic, "topic", "bench", "topic; made when it is missing")
	f.Int32Var(&c.Partitions, "partitions", 16, "partitions of the topic when it is made")
	f.StringArrayVar(&configs, "set", nil, "configuration KEY=VALUE of the topic when it is made, repeatable")
	f.DurationVar(&settle, "settle", 0, "wait this long after the topic was made")
	f.Int64Var(&c.Records, "records", 0, "stop after this many; 0: a million, or what the duration allows")
	f.DurationVar(&c.Duration, "duration", 0, "stop after this time")
	f.IntVar(&c.Size, "size", 100, "bytes of a value")
	f.BoolVar(&c.Random, "random", false, "values that do not compress")
	f.Int32Var(&c.BatchBytes, "batch-bytes", 1_000_000, "largest batch")
	f.IntVar(&c.InFlight, "in-flight", 500_000, "records that may wait in the client")
	f.IntVar(&c.Producers, "producers", 0, "closed loop: clients that wait for each acknowledgement")
	f.Float64Var(&c.Rate, "rate", 0, "open loop: records a second")
	f.StringVar(&c.Acks, "acks", "all", "all, 1 or 0")
	f.StringVar(&c.Codec, "compression", "none", "none, gzip, snappy, lz4 or zstd")
	f.IntVar(&c.Keys, "keys", 0, "records have one of so many keys; 0: none")
	switch name {
	case "txn":
		f.IntVar(&c.TxnRecords, "txn-records", 10, "records in a transaction")
	case "commit":
		f.IntVar(&c.Groups, "groups", 1000, "groups that commit, in turn")
	case "rebalance":
		f.IntVar(&c.Members, "members", 1000, "members of the group, a connection each")
		f.StringVar(&c.Protocol, "protocol", "consumer", "consumer (KIP-848) or classic")
	}
	f.IntVar(&c.ServerPID, "server-pid", 0, "process of the server, for its CPU time")
	if name == "e2e" {
		_ = f.Set("rate", "2000")
		_ = f.Set("duration", (15 * time.Second).String())
	}
	return cmd
}

// benchTopic makes the topic when it is missing, lets it settle, and learns how many partitions it has.
func (a *app) benchTopic(ctx context.Context, c *bench.Config, configs []string, settle time.Duration) error {
	set, err := pairs(configs)
	if err != nil {
		return err
	}
	return a.admin(ctx, func(ctx context.Context, adm *kadm.Client) error {
		made, err := adm.CreateTopic(ctx, c.Partitions, -1, set, c.Topic)
		if err != nil && !errorIs(made.Err, kerr.TopicAlreadyExists) && !errorIs(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("make topic %s: %w", c.Topic, err)
		}
		fresh := err == nil
		topics, err := adm.ListTopics(ctx, c.Topic)
		if err != nil {
			return err
		}
		if n := len(topics[c.Topic].Partitions); n > 0 {
			c.Partitions = int32(n)
		}
		if fresh {
			select { // thousands of partitions are on the disk some time after they were made
			case <-time.After(settle):
			case <-ctx.Done():
			}
		}
		return nil
	})
}
