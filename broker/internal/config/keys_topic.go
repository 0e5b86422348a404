package config

import "github.com/mainstem-io/mainstem/internal/configkey"

// topicKeys can be set on a topic; a key falls back to the broker key that is its synonym.
var topicKeys = []configkey.Key{
	{Name: "cleanup.policy", Type: configkey.List, Default: "delete", OneOf: []string{"compact", "delete"}, Change: configkey.Topic, Synonym: "log.cleanup.policy", Doc: "What happens to old records: delete, compact, or both."},
	{Name: "compression.gzip.level", Type: configkey.Int, Default: "-1", Min: "1", Max: "9", OneOf: []string{"-1"}, Change: configkey.Topic, Synonym: "compression.gzip.level", Doc: "Level when the broker compresses with gzip."},
	{Name: "compression.lz4.level", Type: configkey.Int, Default: "9", Min: "1", Max: "17", Change: configkey.Topic, Synonym: "compression.lz4.level", Doc: "Level when the broker compresses with lz4."},
	{Name: "compression.type", Default: "producer", OneOf: []string{"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"}, Change: configkey.Topic, Synonym: "compression.type", Doc: "Codec of stored batches; producer keeps what the producer chose."},
	{Name: "compression.zstd.level", Type: configkey.Int, Default: "3", Min: "-131072", Max: "22", Change: configkey.Topic, Synonym: "compression.zstd.level", Doc: "Level when the broker compresses with zstd."},
	{Name: "delete.retention.ms", Type: configkey.Long, Default: "86400000", Min: "0", Change: configkey.Topic, Synonym: "log.cleaner.delete.retention.ms", Doc: "How long a tombstone of a compacted topic is kept."},
	{Name: "file.delete.delay.ms", Type: configkey.Long, Default: "60000", Min: "0", Change: configkey.Topic, Synonym: "log.segment.delete.delay.ms", Doc: "A removed segment stays on disk for this long."},
	{Name: "flush.messages", Type: configkey.Long, Default: "9223372036854775807", Min: "1", Change: configkey.Topic, Synonym: "log.flush.interval.messages", Doc: "Under flush.policy=os: fsync after this many records."},
	{Name: "flush.ms", Type: configkey.Long, Default: "9223372036854775807", Min: "0", Change: configkey.Topic, Synonym: "log.flush.interval.ms", Doc: "Under flush.policy=os: fsync records of this age."},
	{Name: "flush.policy", Default: "journal", OneOf: []string{"journal", "os"}, Change: configkey.Topic, Synonym: "flush.policy", Ours: true, Doc: "When an append counts as durable: journal means fsynced before the acknowledgement, os means in the page cache as in Apache Kafka."},
	{Name: "follower.replication.throttled.replicas", Type: configkey.List, Change: configkey.Topic, Doc: "Replicas whose fetching is throttled, as partition:broker, or *."},
	{Name: "index.interval.bytes", Type: configkey.Int, Default: "4096", Min: "0", Change: configkey.Topic, Synonym: "log.index.interval.bytes", Doc: "Bytes of batches between two entries of the offset index."},
	{Name: "leader.replication.throttled.replicas", Type: configkey.List, Change: configkey.Topic, Doc: "Replicas whose serving is throttled, as partition:broker, or *."},
	{Name: "local.retention.bytes", Type: configkey.Long, Default: "-2", Min: "-2", Change: configkey.Topic, Synonym: "log.local.retention.bytes", Doc: "With tiering: bytes that stay on local disk."},
	{Name: "local.retention.ms", Type: configkey.Long, Default: "-2", Min: "-2", Change: configkey.Topic, Synonym: "log.local.retention.ms", Doc: "With tiering: how long records stay on local disk."},
	{Name: "max.compaction.lag.ms", Type: configkey.Long, Default: "9223372036854775807", Min: "1", Change: configkey.Topic, Synonym: "log.cleaner.max.compaction.lag.ms", Doc: "A record is compacted at the latest at this age."},
	{Name: "max.message.bytes", Type: configkey.Int, Default: "1048588", Min: "0", Change: configkey.Topic, Synonym: "message.max.bytes", Doc: "The largest record batch, as stored."},
	{Name: "message.timestamp.after.max.ms", Type: configkey.Long, Default: "3600000", Min: "0", Change: configkey.Topic, Synonym: "log.message.timestamp.after.max.ms", Doc: "A record whose timestamp lies further in the future is refused."},
	{Name: "message.timestamp.before.max.ms", Type: configkey.Long, Default: "9223372036854775807", Min: "0", Change: configkey.Topic, Synonym: "log.message.timestamp.before.max.ms", Doc: "A record whose timestamp lies further in the past is refused."},
	{Name: "message.timestamp.type", Default: "CreateTime", OneOf: []string{"CreateTime", "LogAppendTime"}, Change: configkey.Topic, Synonym: "log.message.timestamp.type", Doc: "CreateTime keeps the producer's timestamps, LogAppendTime sets the broker's."},
	{Name: "min.cleanable.dirty.ratio", Type: configkey.Double, Default: "0.5", Min: "0", Max: "1", Change: configkey.Topic, Synonym: "log.cleaner.min.cleanable.ratio", Doc: "Share of the log that must be dirty before it is compacted."},
	{Name: "min.compaction.lag.ms", Type: configkey.Long, Default: "0", Min: "0", Change: configkey.Topic, Synonym: "log.cleaner.min.compaction.lag.ms", Doc: "A record is not compacted before it has this age."},
	{Name: "min.insync.replicas", Type: configkey.Int, Default: "1", Min: "1", Change: configkey.Topic, Synonym: "min.insync.replicas", Doc: "With acks=all, how many replicas must hold a record before it is acknowledged. A value above the replication factor counts as the replication factor."},
	{Name: "preallocate", Type: configkey.Bool, Default: "false", Change: configkey.Topic, Synonym: "log.preallocate", Reason: "the journal decides when bytes are synced", Status: configkey.Ignored, Doc: "Accepted and ignored: the journal decides where bytes lie."},
	{Name: "remote.log.copy.disable", Type: configkey.Bool, Default: "false", Change: configkey.Topic, Doc: "With tiering: stop copying segments."},
	{Name: "remote.log.delete.on.disable", Type: configkey.Bool, Default: "false", Change: configkey.Topic, Doc: "With tiering: remove remote segments when tiering is turned off."},
	{Name: "remote.storage.enable", Type: configkey.Bool, Default: "false", Change: configkey.Topic, Doc: "Keep older segments in remote storage."},
	{Name: "retention.bytes", Type: configkey.Long, Default: "-1", Change: configkey.Topic, Synonym: "log.retention.bytes", Doc: "A partition larger than this loses its oldest segments; -1 means no limit."},
	{Name: "retention.ms", Type: configkey.Long, Default: "604800000", Min: "-1", Change: configkey.Topic, Synonym: "log.retention.ms", Doc: "Records older than this are deleted, segment by segment; -1 means never."},
	{Name: "segment.bytes", Type: configkey.Int, Default: "1073741824", Min: "1048576", Change: configkey.Topic, Synonym: "log.segment.bytes", Doc: "Size of a log segment."},
	{Name: "segment.index.bytes", Type: configkey.Int, Default: "10485760", Min: "4", Change: configkey.Topic, Synonym: "log.index.size.max.bytes", Doc: "Largest offset index; a segment whose index is full rolls."},
	{Name: "segment.jitter.ms", Type: configkey.Long, Default: "0", Min: "0", Change: configkey.Topic, Synonym: "log.roll.jitter.ms", Doc: "Most that is taken at random off segment.ms."},
	{Name: "segment.ms", Type: configkey.Long, Default: "604800000", Min: "1", Change: configkey.Topic, Synonym: "log.roll.ms", Doc: "Age at which a segment rolls."},
	{Name: "unclean.leader.election.enable", Type: configkey.Bool, Default: "false", Change: configkey.Topic, Synonym: "unclean.leader.election.enable", Doc: "A replica that may lack acknowledged records can become leader when no other is left."},
}

// groupResourceKeys can be set on a group.
var groupResourceKeys = []configkey.Key{
	{Name: "consumer.session.timeout.ms", Type: configkey.Int, Default: "45000", Change: configkey.Group, Synonym: "group.consumer.session.timeout.ms", Doc: "A member silent for this long is removed."},
	{Name: "consumer.heartbeat.interval.ms", Type: configkey.Int, Default: "5000", Change: configkey.Group, Synonym: "group.consumer.heartbeat.interval.ms", Doc: "How often members send heartbeats."},
	{Name: "consumer.assignment.interval.ms", Type: configkey.Int, Default: "1000", Min: "0", Change: configkey.Group, Synonym: "group.consumer.assignment.interval.ms", Doc: "Shortest time between two assignments."},
	{Name: "share.session.timeout.ms", Type: configkey.Int, Default: "45000", Change: configkey.Group, Synonym: "group.share.session.timeout.ms", Doc: "A member silent for this long is removed."},
	{Name: "share.heartbeat.interval.ms", Type: configkey.Int, Default: "5000", Change: configkey.Group, Synonym: "group.share.heartbeat.interval.ms", Doc: "How often members send heartbeats."},
	{Name: "share.record.lock.duration.ms", Type: configkey.Int, Default: "30000", Min: "1000", Change: configkey.Group, Synonym: "group.share.record.lock.duration.ms", Doc: "How long an acquired record stays locked."},
	{Name: "share.delivery.count.limit", Type: configkey.Int, Default: "5", Min: "2", Change: configkey.Group, Synonym: "group.share.delivery.count.limit", Doc: "Deliveries of a record before it is given up."},
	{Name: "share.partition.max.record.locks", Type: configkey.Int, Default: "2000", Min: "100", Change: configkey.Group, Synonym: "group.share.partition.max.record.locks", Doc: "Most locked records of a partition."},
	{Name: "share.auto.offset.reset", Default: "latest", Change: configkey.Group, Doc: "Where a new share group starts: earliest, latest, or by_duration:PnDTnHnMn.nS."},
	{Name: "share.isolation.level", Default: "read_uncommitted", OneOf: []string{"read_committed", "read_uncommitted"}, Change: configkey.Group, Doc: "Which records a share group sees."},
	{Name: "share.renew.acknowledge.enable", Type: configkey.Bool, Default: "true", Change: configkey.Group, Doc: "Members may renew the lock of a record."},
	{Name: "share.assignment.interval.ms", Type: configkey.Int, Default: "1000", Min: "0", Change: configkey.Group, Synonym: "group.share.assignment.interval.ms", Doc: "Shortest time between two assignments."},
	{Name: "streams.session.timeout.ms", Type: configkey.Int, Default: "45000", Change: configkey.Group, Synonym: "group.streams.session.timeout.ms", Doc: "A member silent for this long is removed."},
	{Name: "streams.heartbeat.interval.ms", Type: configkey.Int, Default: "5000", Change: configkey.Group, Synonym: "group.streams.heartbeat.interval.ms", Doc: "How often members send heartbeats."},
	{Name: "streams.num.standby.replicas", Type: configkey.Int, Default: "0", Change: configkey.Group, Synonym: "group.streams.num.standby.replicas", Doc: "Standby tasks of each task."},
	{Name: "streams.initial.rebalance.delay.ms", Type: configkey.Int, Default: "3000", Min: "0", Change: configkey.Group, Synonym: "group.streams.initial.rebalance.delay.ms", Doc: "How long the first assignment waits for more members."},
	{Name: "streams.assignment.interval.ms", Type: configkey.Int, Default: "1000", Min: "0", Change: configkey.Group, Synonym: "group.streams.assignment.interval.ms", Doc: "Shortest time between two assignments."},
}

// metricsKeys can be set on a client-metrics subscription.
var metricsKeys = []configkey.Key{
	{Name: "interval.ms", Type: configkey.Int, Default: "300000", Min: "100", Max: "3600000", Change: configkey.Metrics, Doc: "How often clients push."},
	{Name: "match", Type: configkey.List, Change: configkey.Metrics, Doc: "Which clients push, as attribute=regular expression, comma separated."},
	{Name: "metrics", Type: configkey.List, Change: configkey.Metrics, Doc: "Metric name prefixes that clients push; empty means none, * means all."},
}
