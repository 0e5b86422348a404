package config

import "github.com/mainstem-io/mainstem/internal/configkey"

// groupKeys: groups and offsets.
var groupKeys = []configkey.Key{
	{Name: "group.coordinator.rebalance.protocols", Type: configkey.List, Default: "classic,consumer", OneOf: []string{"classic", "consumer", "share", "streams"}, Kafka: "classic,consumer,streams", Doc: "Group protocols that are on."},
	{Name: "group.initial.rebalance.delay.ms", Type: configkey.Int, Default: "3000", Min: "0", Doc: "How long the first rebalance of an empty group waits for more members."},
	{Name: "group.min.session.timeout.ms", Type: configkey.Int, Default: "6000", Min: "1", Doc: "Shortest session timeout that a classic member may ask for."},
	{Name: "group.max.session.timeout.ms", Type: configkey.Int, Default: "1800000", Min: "1", Doc: "Longest session timeout that a classic member may ask for."},
	{Name: "group.max.size", Type: configkey.Int, Default: "2147483647", Min: "1", Doc: "Most members of a classic group."},
	{Name: "group.consumer.assignment.interval.ms", Type: configkey.Int, Default: "1000", Change: configkey.Cluster, Doc: "Shortest time between two assignments of a consumer group."},
	{Name: "group.consumer.assignors", Type: configkey.List, Default: "uniform,range", Doc: "Assignors of consumer groups, the default first."},
	{Name: "group.consumer.heartbeat.interval.ms", Type: configkey.Int, Default: "5000", Min: "1", Doc: "Heartbeat interval of consumer groups."},
	{Name: "group.consumer.max.assignment.interval.ms", Type: configkey.Int, Default: "15000", Doc: "Largest consumer.assignment.interval.ms of a group."},
	{Name: "group.consumer.max.heartbeat.interval.ms", Type: configkey.Int, Default: "15000", Min: "1", Doc: "Largest consumer.heartbeat.interval.ms of a group."},
	{Name: "group.consumer.max.session.timeout.ms", Type: configkey.Int, Default: "60000", Min: "1", Doc: "Largest consumer.session.timeout.ms of a group."},
	{Name: "group.consumer.max.size", Type: configkey.Int, Default: "2147483647", Min: "1", Doc: "Most members of a consumer group."},
	{Name: "group.consumer.migration.policy", Default: "bidirectional", OneOf: []string{"upgrade", "downgrade", "bidirectional", "disabled"}, Doc: "Which way groups may move between the classic and the consumer protocol."},
	{Name: "group.consumer.min.assignment.interval.ms", Type: configkey.Int, Default: "0", Doc: "Smallest consumer.assignment.interval.ms of a group."},
	{Name: "group.consumer.min.heartbeat.interval.ms", Type: configkey.Int, Default: "5000", Min: "1", Doc: "Smallest consumer.heartbeat.interval.ms of a group."},
	{Name: "group.consumer.min.session.timeout.ms", Type: configkey.Int, Default: "45000", Min: "1", Doc: "Smallest consumer.session.timeout.ms of a group."},
	{Name: "group.consumer.session.timeout.ms", Type: configkey.Int, Default: "45000", Min: "1", Doc: "Session timeout of consumer groups."},
	{Name: "offsets.topic.num.partitions", Type: configkey.Int, Default: "50", Min: "1", Doc: "Partitions of __consumer_offsets."},
	{Name: "offsets.topic.replication.factor", Type: configkey.Short, Default: "3", Min: "1", Doc: "Replicas of __consumer_offsets; capped at the number of brokers."},
	{Name: "offsets.topic.segment.bytes", Type: configkey.Int, Default: "104857600", Min: "1048576", Doc: "Segment size of __consumer_offsets."},
	{Name: "offsets.topic.compression.codec", Type: configkey.Int, Default: "0", Doc: "Codec of __consumer_offsets: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."},
	{Name: "offsets.retention.minutes", Type: configkey.Int, Default: "10080", Min: "1", Doc: "Committed offsets of an empty group are kept for this long."},
	{Name: "offsets.retention.check.interval.ms", Type: configkey.Long, Default: "600000", Min: "1", Doc: "How often expired offsets are looked for."},
	{Name: "offset.metadata.max.bytes", Type: configkey.Int, Default: "4096", Min: "0", Doc: "Longest metadata beside a committed offset."},
	{Name: "offsets.commit.timeout.ms", Type: configkey.Int, Default: "5000", Min: "1", Doc: "How long a commit waits for its replicas."},
}

// transactionKeys: transactions and producers.
var transactionKeys = []configkey.Key{
	{Name: "transactional.id.expiration.ms", Type: configkey.Int, Default: "604800000", Min: "1", Doc: "A transactional id unused for this long is forgotten."},
	{Name: "producer.id.expiration.ms", Type: configkey.Int, Default: "86400000", Min: "1", Change: configkey.Cluster, Doc: "A partition forgets a producer that was silent for this long."},
	{Name: "transaction.max.timeout.ms", Type: configkey.Int, Default: "900000", Min: "1", Doc: "Longest transaction timeout that a producer may ask for."},
	{Name: "transaction.abort.timed.out.transaction.cleanup.interval.ms", Type: configkey.Int, Default: "10000", Min: "1", Doc: "How often transactions over their timeout are looked for."},
	{Name: "transaction.remove.expired.transaction.cleanup.interval.ms", Type: configkey.Int, Default: "3600000", Min: "1", Doc: "How often expired transactional ids are looked for."},
	{Name: "transaction.partition.verification.enable", Type: configkey.Bool, Default: "true", Change: configkey.Cluster, Doc: "A partition asks the coordinator before it takes the first record of a transaction (KIP-890)."},
	{Name: "transaction.two.phase.commit.enable", Type: configkey.Bool, Default: "false", Doc: "Producers may take part in two-phase commit (KIP-939)."},
	{Name: "transaction.state.log.num.partitions", Type: configkey.Int, Default: "50", Min: "1", Doc: "Partitions of __transaction_state."},
	{Name: "transaction.state.log.replication.factor", Type: configkey.Short, Default: "3", Min: "1", Doc: "Replicas of __transaction_state; capped at the number of brokers."},
	{Name: "transaction.state.log.min.isr", Type: configkey.Int, Default: "2", Min: "1", Doc: "min.insync.replicas of __transaction_state; capped likewise."},
	{Name: "transaction.state.log.segment.bytes", Type: configkey.Int, Default: "104857600", Min: "1048576", Doc: "Segment size of __transaction_state."},
}

// shareGroupKeys: share groups.
var shareGroupKeys = []configkey.Key{
	{Name: "group.share.assignment.interval.ms", Type: configkey.Int, Default: "1000", Change: configkey.Cluster, Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.assignors", Type: configkey.List, Default: "simple", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.delivery.count.limit", Type: configkey.Int, Default: "5", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.heartbeat.interval.ms", Type: configkey.Int, Default: "5000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.max.assignment.interval.ms", Type: configkey.Int, Default: "15000", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.max.delivery.count.limit", Type: configkey.Int, Default: "10", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.max.heartbeat.interval.ms", Type: configkey.Int, Default: "15000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.max.partition.max.record.locks", Type: configkey.Int, Default: "4000", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.max.record.lock.duration.ms", Type: configkey.Int, Default: "60000", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.max.session.timeout.ms", Type: configkey.Int, Default: "60000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.max.share.sessions", Type: configkey.Int, Default: "2000", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.max.size", Type: configkey.Int, Default: "200", Min: "1", Doc: "Most members of a group."},
	{Name: "group.share.min.assignment.interval.ms", Type: configkey.Int, Default: "0", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.min.delivery.count.limit", Type: configkey.Int, Default: "2", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.min.heartbeat.interval.ms", Type: configkey.Int, Default: "5000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.min.partition.max.record.locks", Type: configkey.Int, Default: "100", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.min.record.lock.duration.ms", Type: configkey.Int, Default: "15000", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.min.session.timeout.ms", Type: configkey.Int, Default: "45000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.partition.max.record.locks", Type: configkey.Int, Default: "2000", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.record.lock.duration.ms", Type: configkey.Int, Default: "30000", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "group.share.session.timeout.ms", Type: configkey.Int, Default: "45000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until share groups are served."},
	{Name: "share.coordinator.state.topic.num.partitions", Type: configkey.Int, Default: "50", Doc: "Share group state; has no effect until share groups are served."},
	{Name: "share.coordinator.state.topic.replication.factor", Type: configkey.Short, Default: "3", Doc: "Share group state; has no effect until share groups are served."},
	{Name: "share.coordinator.state.topic.min.isr", Type: configkey.Short, Default: "2", Doc: "Share group state; has no effect until share groups are served."},
	{Name: "share.coordinator.state.topic.segment.bytes", Type: configkey.Int, Default: "104857600", Doc: "Share group state; has no effect until share groups are served."},
	{Name: "share.coordinator.state.topic.compression.codec", Type: configkey.Int, Default: "0", Doc: "Share group state; has no effect until share groups are served."},
	{Name: "share.coordinator.snapshot.update.records.per.snapshot", Type: configkey.Int, Default: "500", Doc: "Share group state; has no effect until share groups are served."},
	{Name: "share.coordinator.write.timeout.ms", Type: configkey.Int, Default: "5000", Doc: "Share group state; has no effect until share groups are served."},
}

// streamsGroupKeys: streams groups.
var streamsGroupKeys = []configkey.Key{
	{Name: "group.streams.assignment.interval.ms", Type: configkey.Int, Default: "1000", Change: configkey.Cluster, Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
	{Name: "group.streams.heartbeat.interval.ms", Type: configkey.Int, Default: "5000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
	{Name: "group.streams.initial.rebalance.delay.ms", Type: configkey.Int, Default: "3000", Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
	{Name: "group.streams.max.assignment.interval.ms", Type: configkey.Int, Default: "15000", Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
	{Name: "group.streams.max.heartbeat.interval.ms", Type: configkey.Int, Default: "15000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
	{Name: "group.streams.max.session.timeout.ms", Type: configkey.Int, Default: "60000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
	{Name: "group.streams.max.size", Type: configkey.Int, Default: "2147483647", Min: "1", Doc: "Most members of a group."},
	{Name: "group.streams.max.standby.replicas", Type: configkey.Int, Default: "2", Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
	{Name: "group.streams.min.assignment.interval.ms", Type: configkey.Int, Default: "0", Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
	{Name: "group.streams.min.heartbeat.interval.ms", Type: configkey.Int, Default: "5000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
	{Name: "group.streams.min.session.timeout.ms", Type: configkey.Int, Default: "45000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
	{Name: "group.streams.num.standby.replicas", Type: configkey.Int, Default: "0", Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
	{Name: "group.streams.session.timeout.ms", Type: configkey.Int, Default: "45000", Min: "1", Doc: "Bound or default of the group setting of that name; has no effect until streams groups are served."},
}

// quotaKeys: quotas.
var quotaKeys = []configkey.Key{
	{Name: "quota.window.num", Type: configkey.Int, Default: "11", Min: "1", Doc: "Samples that a client quota keeps."},
	{Name: "quota.window.size.seconds", Type: configkey.Int, Default: "1", Min: "1", Doc: "Length of a sample of a client quota."},
	{Name: "controller.quota.window.num", Type: configkey.Int, Default: "11", Min: "1", Doc: "Samples that a controller mutation quota keeps."},
	{Name: "controller.quota.window.size.seconds", Type: configkey.Int, Default: "1", Min: "1", Doc: "Length of a sample of a controller mutation quota."},
	{Name: "replication.quota.window.num", Type: configkey.Int, Default: "11", Min: "1", Doc: "Samples that a replication quota keeps."},
	{Name: "replication.quota.window.size.seconds", Type: configkey.Int, Default: "1", Min: "1", Doc: "Length of a sample of a replication quota."},
	{Name: "alter.log.dirs.replication.quota.window.num", Type: configkey.Int, Default: "11", Min: "1", Doc: "Samples of the quota for moves between log directories."},
	{Name: "alter.log.dirs.replication.quota.window.size.seconds", Type: configkey.Int, Default: "1", Min: "1", Doc: "Length of a sample of that quota."},
}
