package broker

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/api"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/network"
)

// storeConfig is the static configuration as the store wants it.
func (b *Broker) storeConfig() commitlog.Config {
	s := b.static
	return commitlog.Config{
		FS: b.cfg.disk, Dirs: dirs(s), MetadataDir: s.String("metadata.log.dir"), JournalDir: s.String("journal.dir"),
		JournalEngine: s.String("journal.engine"), JournalIO: s.String("journal.io"), JournalFileBytes: s.Int("journal.file.bytes"),
		DamageAccept: s.Bool("journal.damage.accept"), NodeID: int32(s.Int("node.id")),
		CheckpointInterval: s.Milliseconds("log.flush.offset.checkpoint.interval.ms"), RetentionInterval: s.Milliseconds("log.retention.check.interval.ms"),
		HighWatermarkEvery: s.Milliseconds("replica.high.watermark.checkpoint.interval.ms"), RecoveryThreads: int(s.Int("num.recovery.threads.per.data.dir")),
		Cleaner:            b.cleanerConfig,
		ProducerExpiration: func() time.Duration { return s.Milliseconds("producer.id.expiration.ms") },
		Now:                b.cfg.Now, Logger: b.logger,
	}
}

// cleanerConfig is how the cleaner works now; most of it may change while the broker runs.
func (b *Broker) cleanerConfig() commitlog.CleanerConfig {
	c := b.guard.layers.Load()
	if !c.Bool("log.cleaner.enable") {
		return commitlog.CleanerConfig{}
	}
	return commitlog.CleanerConfig{
		Threads: int(c.Int("log.cleaner.threads")), DedupeBytes: c.Int("log.cleaner.dedupe.buffer.size"),
		LoadFactor: c.Float("log.cleaner.io.buffer.load.factor"), BytesPerSecond: c.Float("log.cleaner.io.max.bytes.per.second"),
		Backoff: time.Duration(c.Int("log.cleaner.backoff.ms")) * time.Millisecond,
	}
}

// metadataDir is where the metadata log lies.
func (b *Broker) metadataDir() string {
	return cmp.Or(b.static.String("metadata.log.dir"), dirs(b.static)[0])
}

// setMinISR is min.insync.replicas if somebody set it, else 0: the controller then goes by the number of replicas.
func (b *Broker) setMinISR() int {
	if _, set := b.static.Lookup("min.insync.replicas"); set {
		return int(b.static.Int("min.insync.replicas"))
	}
	return 0
}

// networkConfig is the static configuration as the network wants it.
func (b *Broker) networkConfig(handler *api.Server) network.Config {
	s := b.static
	c := network.Config{
		Table: handler.Table(), Logger: b.logger, Metrics: b.metrics,
		MaxRequestBytes: int(s.Int("socket.request.max.bytes")), MaxQueuedBytes: max(0, s.Int("queued.max.request.bytes")),
		IdleTimeout: s.Milliseconds("connections.max.idle.ms"), MaxRequestBytesBeforeAuth: int(s.Int("sasl.server.max.receive.size")),
		MaxQueuedBytesBeforeAuth: s.Int("mainstem.preauth.max.bytes"), PerIPOverrides: overrides(s.String("max.connections.per.ip.overrides")),
		ShutdownTimeout: min(s.Milliseconds("mainstem.shutdown.timeout.ms"), 10*time.Second),
	}
	const unlimited = 1<<31 - 1
	if n := s.Int("max.connections"); n < unlimited {
		c.MaxConnections = int(n)
	}
	if n := s.Int("max.connections.per.ip"); n < unlimited {
		c.MaxConnectionsPerIP = int(n)
	}
	for i, l := range b.listeners {
		n := network.Listener{Name: l.name, Listener: b.bound[i], Protocol: network.SecurityProtocol(protocolOf(s, l.name))}
		if t := b.guard.gate.Listeners[l.name].TLS; t != nil {
			n.Upgrade = t.Upgrade
		}
		own, name := listenerConfig{b.guard.layers.Load(), l.name}.value("", "max.connections")
		if limit, err := strconv.Atoi(own); err == nil && name != "max.connections" && limit < unlimited {
			n.MaxConnections = limit
		}
		c.Listeners = append(c.Listeners, n)
	}
	c.Admit = b.guard.admit
	return c
}

// overrides reads host:count,host:count.
func overrides(text string) map[string]int {
	out := map[string]int{}
	for pair := range strings.SplitSeq(text, ",") {
		if i := strings.LastIndexByte(pair, ':'); i > 0 {
			if n, err := strconv.Atoi(strings.TrimSpace(pair[i+1:])); err == nil {
				out[strings.TrimSpace(pair[:i])] = n
			}
		}
	}
	return out
}

// configRules tells the cluster's core what configuration keys may hold.
type configRules struct{ b *Broker }

// Validate is cluster.Configs.
func (r configRules) Validate(t metadata.ResourceType, name, key, value string) error {
	switch t {
	case metadata.TopicResource:
		if err := config.CheckTopic(key, value); err != nil || r.b.cfg.Validator != nil || !config.DemandsSchemas(key, value) {
			return err
		}
		return fmt.Errorf("%s=%s needs a schema registry beside the broker: start it with --roles broker,registry", key, value)
	case metadata.GroupResource:
		return r.layers().CheckGroup(key, value)
	case metadata.ClientMetricsResource:
		return config.CheckMetrics(key, value)
	default:
		if err := config.CheckDynamic(key, value, name != ""); err != nil {
			return err
		}
		return checkLoginLine(key, value)
	}
}

// ValidateSet is cluster.Configs.
func (r configRules) ValidateSet(t metadata.ResourceType, _ string, set map[string]string) error {
	if t == metadata.TopicResource {
		return config.CheckTopicSet(set)
	}
	return nil
}

// List is cluster.Configs.
func (r configRules) List(t metadata.ResourceType, key string) bool {
	return config.IsList(tableOf(t), key)
}

// Default is cluster.Configs.
func (r configRules) Default(t metadata.ResourceType, key string) string {
	return r.layers().Default(tableOf(t), key)
}

func (r configRules) layers() *config.Broker {
	if rooms := r.b.rooms.Load(); rooms != nil {
		return rooms.state.Config()
	}
	return &config.Broker{Static: r.b.static}
}

// tableOf is the scope of a resource type.
func tableOf(t metadata.ResourceType) config.Scope {
	switch t {
	case metadata.TopicResource:
		return config.TopicScope
	case metadata.GroupResource:
		return config.GroupScope
	case metadata.ClientMetricsResource:
		return config.MetricsScope
	default:
		return config.BrokerScope
	}
}
