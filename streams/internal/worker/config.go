// Package worker runs a topology on a Kafka: one member of a consumer group, tasks pinned to workers, each worker with a producer of its
// own. It is the only package of the library that does I/O.
//
// The poller hands records to workers by task. A worker processes its tasks, produces what they emit, and commits: effects first, then
// offsets, then the stores, so that a store is never ahead of its changelog. With ExactlyOnce effects and offsets are one transaction.
// Whatever goes wrong in between, the tasks go back to the last commit: their stores roll back and replay what is missing from their
// changelogs (streams.md 16).
package worker

import (
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/streams/processor"
)

// Config is an application's configuration, with all defaults filled in.
type Config struct {
	AppID              string
	ClientID           string
	Brokers            []string
	ExactlyOnce        bool
	CommitInterval     time.Duration
	TransactionTimeout time.Duration
	SessionTimeout     time.Duration
	Workers            int
	StateDir           string // empty: stores in memory
	CacheBytes         int64  // of Pebble's blocks, shared by all stores
	Buffered           int    // records per partition
	MaxIdle            time.Duration
	Replication        int
	PurgeInterval      time.Duration
	ExtraRetention     time.Duration
	TaskTimeout        time.Duration
	Leave              bool // the group when Run ends
	DeadLetter         string
	Timestamps         int
	OnError            func(processor.ErrorContext, error) processor.Decision
	Logger             *slog.Logger
	Client             []kgo.Opt // for every client: TLS, SASL, dialers
}

func (c Config) options(more ...kgo.Opt) []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.ClientID(c.ClientID)}
	opts = append(opts, c.Client...)
	return append(opts, more...)
}
