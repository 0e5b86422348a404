package config

import "github.com/mainstem-io/mainstem/internal/configkey"

// topicDefaultKeys: topic defaults.
var topicDefaultKeys = []configkey.Key{
	{Name: "num.partitions", Type: configkey.Int, Default: "1", Min: "1", Doc: "Partitions of a topic that is created without saying how many."},
	{Name: "default.replication.factor", Type: configkey.Int, Default: "1", Min: "1", Doc: "Replicas of a topic that is created without saying how many."},
	{Name: "auto.create.topics.enable", Type: configkey.Bool, Default: "true", Doc: "A Metadata request that asks for it creates unknown topics."},
	{Name: "delete.topic.enable", Type: configkey.Bool, Default: "true", Doc: "Topics can be deleted."},
	{Name: "min.insync.replicas", Type: configkey.Int, Default: "1", Min: "1", Change: configkey.Cluster, Doc: "With acks=all, how many replicas must hold a record before it is acknowledged. A value above the replication factor counts as the replication factor."},
	{Name: "unclean.leader.election.enable", Type: configkey.Bool, Default: "false", Change: configkey.Cluster, Doc: "A replica that may lack acknowledged records can become leader when no other is left."},
	{Name: "message.max.bytes", Type: configkey.Int, Default: "1048588", Min: "0", Change: configkey.Cluster, Doc: "The largest record batch, as stored."},
	{Name: "compression.type", Default: "producer", OneOf: []string{"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"}, Change: configkey.Cluster, Doc: "Codec of stored batches; producer keeps what the producer chose."},
	{Name: "compression.gzip.level", Type: configkey.Int, Default: "-1", Min: "1", Max: "9", OneOf: []string{"-1"}, Change: configkey.Cluster, Doc: "Level when the broker compresses with gzip."},
	{Name: "compression.lz4.level", Type: configkey.Int, Default: "9", Min: "1", Max: "17", Change: configkey.Cluster, Doc: "Level when the broker compresses with lz4."},
	{Name: "compression.zstd.level", Type: configkey.Int, Default: "3", Min: "-131072", Max: "22", Change: configkey.Cluster, Doc: "Level when the broker compresses with zstd."},
	{Name: "log.cleanup.policy", Type: configkey.List, Default: "delete", OneOf: []string{"compact", "delete"}, Change: configkey.Cluster, Doc: "What happens to old records: delete, compact, or both."},
	{Name: "log.segment.bytes", Type: configkey.Int, Default: "1073741824", Min: "1048576", Change: configkey.Cluster, Doc: "Size of a log segment."},
	{Name: "log.roll.ms", Type: configkey.Long, Null: true, Min: "1", Change: configkey.Cluster, Doc: "Age at which a segment rolls."},
	{Name: "log.roll.hours", Type: configkey.Int, Default: "168", Min: "1", Doc: "Age at which a segment rolls, in hours."},
	{Name: "log.roll.jitter.ms", Type: configkey.Long, Null: true, Change: configkey.Cluster, Doc: "Most that is taken at random off the roll age."},
	{Name: "log.roll.jitter.hours", Type: configkey.Int, Default: "0", Doc: "Most that is taken at random off the roll age, in hours."},
	{Name: "log.segment.delete.delay.ms", Type: configkey.Long, Default: "60000", Min: "0", Change: configkey.Cluster, Doc: "A removed segment stays on disk for this long."},
	{Name: "log.index.interval.bytes", Type: configkey.Int, Default: "4096", Min: "0", Change: configkey.Cluster, Doc: "Bytes of batches between two entries of the offset index."},
	{Name: "log.index.size.max.bytes", Type: configkey.Int, Default: "10485760", Min: "4", Change: configkey.Cluster, Doc: "Largest offset index; a segment whose index is full rolls."},
	{Name: "log.retention.bytes", Type: configkey.Long, Default: "-1", Min: "-1", Change: configkey.Cluster, Doc: "A partition larger than this loses its oldest segments; -1 means no limit."},
	{Name: "log.retention.ms", Type: configkey.Long, Null: true, Min: "-1", Change: configkey.Cluster, Doc: "Records older than this are deleted, segment by segment; -1 means never."},
	{Name: "log.retention.minutes", Type: configkey.Int, Null: true, Min: "-1", Doc: "As log.retention.ms, in minutes."},
	{Name: "log.retention.hours", Type: configkey.Int, Default: "168", Min: "-1", Doc: "As log.retention.ms, in hours."},
	{Name: "log.message.timestamp.type", Default: "CreateTime", OneOf: []string{"CreateTime", "LogAppendTime"}, Change: configkey.Cluster, Doc: "CreateTime keeps the producer's timestamps, LogAppendTime sets the broker's."},
	{Name: "log.message.timestamp.before.max.ms", Type: configkey.Long, Default: "9223372036854775807", Min: "0", Change: configkey.Cluster, Doc: "A record whose timestamp lies further in the past is refused."},
	{Name: "log.message.timestamp.after.max.ms", Type: configkey.Long, Default: "3600000", Min: "0", Change: configkey.Cluster, Doc: "A record whose timestamp lies further in the future is refused."},
	{Name: "log.cleaner.delete.retention.ms", Type: configkey.Long, Default: "86400000", Min: "0", Change: configkey.Cluster, Doc: "How long a tombstone of a compacted topic is kept."},
	{Name: "log.cleaner.min.cleanable.ratio", Type: configkey.Double, Default: "0.5", Min: "0", Max: "1", Change: configkey.Cluster, Doc: "Share of a log that must be dirty before it is compacted."},
	{Name: "log.cleaner.min.compaction.lag.ms", Type: configkey.Long, Default: "0", Min: "0", Change: configkey.Cluster, Doc: "A record is not compacted before it has this age."},
	{Name: "log.cleaner.max.compaction.lag.ms", Type: configkey.Long, Default: "9223372036854775807", Min: "1", Change: configkey.Cluster, Doc: "A record is compacted at the latest at this age."},
	{Name: "log.flush.interval.messages", Type: configkey.Long, Default: "9223372036854775807", Min: "1", Change: configkey.Cluster, Doc: "Under flush.policy=os: fsync after this many records. The journal always meets 1."},
	{Name: "log.flush.interval.ms", Type: configkey.Long, Null: true, Min: "0", Change: configkey.Cluster, Doc: "Under flush.policy=os: fsync a log that has unsynced records of this age."},
}

// maintenanceKeys: log maintenance.
var maintenanceKeys = []configkey.Key{
	{Name: "log.retention.check.interval.ms", Type: configkey.Long, Default: "300000", Min: "1", Doc: "How often retention is applied."},
	{Name: "log.cleaner.enable", Type: configkey.Bool, Default: "true", Doc: "Compact topics."},
	{Name: "log.cleaner.threads", Type: configkey.Int, Default: "1", Min: "0", Change: configkey.Cluster, Doc: "Logs that are compacted at a time."},
	{Name: "log.cleaner.dedupe.buffer.size", Type: configkey.Long, Default: "134217728", Min: "1", Change: configkey.Cluster, Doc: "Memory of all cleaners for their maps of keys."},
	{Name: "log.cleaner.io.buffer.load.factor", Type: configkey.Double, Default: "0.9", Change: configkey.Cluster, Doc: "How full the map of keys may get."},
	{Name: "log.cleaner.io.max.bytes.per.second", Type: configkey.Double, Default: "1.7976931348623157E308", Change: configkey.Cluster, Doc: "Most bytes that all cleaners read and write in a second."},
	{Name: "log.cleaner.backoff.ms", Type: configkey.Long, Default: "15000", Min: "0", Change: configkey.Cluster, Doc: "How long a cleaner rests when there is nothing to do."},
	{Name: "log.flush.offset.checkpoint.interval.ms", Type: configkey.Int, Default: "30000", Min: "0", Kafka: "60000", Doc: "The journal is checkpointed at least this often, if anything was appended."},
	{Name: "log.flush.start.offset.checkpoint.interval.ms", Type: configkey.Int, Default: "60000", Min: "0", Doc: "How often log start offsets are written to their checkpoint."},
	{Name: "num.recovery.threads.per.data.dir", Type: configkey.Int, Default: "2", Min: "1", Change: configkey.Cluster, Doc: "Logs of one directory that are recovered at a time."},
}
