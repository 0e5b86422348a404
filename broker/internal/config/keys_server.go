package config

import "github.com/mainstem-io/mainstem/internal/configkey"

// processKeys: process and directories.
var processKeys = []configkey.Key{
	{Name: "process.roles", Type: configkey.List, Default: "broker,controller", OneOf: []string{"broker", "controller", "registry", "connect", "console", "sql"}, Doc: "What this process is: broker, controller, or both."},
	{Name: "node.id", Type: configkey.Int, Default: "1", Min: "0", Doc: "The number of this node; unique in the cluster and never reused."},
	{Name: "broker.id", Type: configkey.Int, Default: "-1", Doc: "Old name of node.id."},
	{Name: "broker.rack", Null: true, Doc: "The rack or zone of this broker, used to place replicas apart and for fetches from the nearest replica."},
	{Name: "log.dirs", Type: configkey.List, Null: true, Doc: "The directories that hold partitions, comma separated. Each has a journal of its own."},
	{Name: "log.dir", Type: configkey.List, Default: "./data", Kafka: "/tmp/kafka-logs", Doc: "One directory for partitions, when log.dirs is not set."},
	{Name: "metadata.log.dir", Null: true, Doc: "The directory of the cluster's metadata log; the first of log.dirs when unset."},
	{Name: "cordoned.log.dirs", Type: configkey.List, Change: configkey.Broker, Doc: "Directories that take no new partitions."},
	{Name: "log.dir.failure.timeout.ms", Type: configkey.Long, Default: "30000", Doc: "How long a broker whose log directory failed waits for the controller to know before it ends."},
}

// listenerKeys: listeners and connections.
var listenerKeys = []configkey.Key{
	{Name: "listeners", Type: configkey.List, Default: "PLAINTEXT://:9092", Change: configkey.Broker, Doc: "Addresses to listen on, as NAME://host:port, comma separated. An empty host means every interface."},
	{Name: "advertised.listeners", Type: configkey.List, Null: true, Doc: "Addresses that clients are told to use, kept verbatim; those of listeners when unset."},
	{Name: "listener.security.protocol.map", Default: "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", Change: configkey.Broker, Doc: "Security protocol of each listener name."},
	{Name: "inter.broker.listener.name", Null: true, Doc: "The listener that brokers use among themselves."},
	{Name: "security.inter.broker.protocol", Default: "PLAINTEXT", OneOf: []string{"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}, Doc: "Security protocol between brokers, when inter.broker.listener.name is unset."},
	{Name: "controller.listener.names", Type: configkey.List, Default: "CONTROLLER", Doc: "Names of the listeners of the controller; not needed on one node."},
	{Name: "max.connections", Type: configkey.Int, Default: "2147483647", Min: "0", Change: configkey.Cluster, Doc: "Most connections that a broker accepts at a time."},
	{Name: "max.connections.per.ip", Type: configkey.Int, Default: "2147483647", Min: "0", Change: configkey.Cluster, Doc: "Most connections from one address."},
	{Name: "max.connections.per.ip.overrides", Change: configkey.Cluster, Doc: "Exceptions to max.connections.per.ip, as host:count, comma separated."},
	{Name: "max.connection.creation.rate", Type: configkey.Int, Default: "2147483647", Min: "0", Change: configkey.Cluster, Doc: "Most new connections in a second."},
	{Name: "connections.max.idle.ms", Type: configkey.Long, Default: "600000", Doc: "An idle connection is closed after this time."},
	{Name: "connections.max.reauth.ms", Type: configkey.Long, Default: "0", Min: "0", Doc: "A session of an authenticated client ends after this time unless it authenticates again; 0 means never."},
	{Name: "connection.failed.authentication.delay.ms", Type: configkey.Int, Default: "100", Min: "0", Doc: "How long a connection stays open after its authentication failed."},
	{Name: "socket.request.max.bytes", Type: configkey.Int, Default: "104857600", Min: "1", Doc: "The largest request that is read; a larger one closes the connection."},
	{Name: "socket.receive.buffer.bytes", Type: configkey.Int, Default: "102400", Doc: "SO_RCVBUF of client sockets; -1 leaves it to the system."},
	{Name: "socket.send.buffer.bytes", Type: configkey.Int, Default: "102400", Doc: "SO_SNDBUF of client sockets; -1 leaves it to the system."},
	{Name: "socket.listen.backlog.size", Type: configkey.Int, Default: "50", Min: "1", Doc: "Connections that may wait to be accepted."},
	{Name: "queued.max.request.bytes", Type: configkey.Long, Default: "134217728", Kafka: "-1", Doc: "Bytes of requests in flight over all connections; above it, reading from sockets stops (KIP-72)."},
	{Name: "request.timeout.ms", Type: configkey.Int, Default: "30000", Min: "1", Doc: "How long an internal request may take."},
	{Name: "telemetry.max.bytes", Type: configkey.Int, Default: "1048576", Min: "1", Doc: "The largest client telemetry push, after decompression."},
	{Name: "fetch.max.bytes", Type: configkey.Int, Default: "57671680", Min: "1024", Doc: "Most bytes of one fetch response."},
	{Name: "max.incremental.fetch.session.cache.slots", Type: configkey.Int, Default: "1000", Min: "0", Doc: "Incremental fetch sessions that are kept (KIP-227)."},
	{Name: "max.request.partition.size.limit", Type: configkey.Int, Default: "2000", Min: "1", Doc: "Most partitions that one DescribeTopicPartitions answer lists."},
}

// quorumKeys: quorum and cluster membership.
var quorumKeys = []configkey.Key{
	{Name: "controller.quorum.voters", Type: configkey.List, Doc: "Voters of the metadata quorum, as id@host:port."},
	{Name: "controller.quorum.bootstrap.servers", Type: configkey.List, Doc: "Where to find the quorum at start."},
	{Name: "controller.quorum.auto.join.enable", Type: configkey.Bool, Default: "false", Doc: "A controller adds itself to the voters."},
	{Name: "controller.quorum.election.timeout.ms", Type: configkey.Int, Default: "1000", Doc: "A follower without a leader starts an election after this time."},
	{Name: "controller.quorum.election.backoff.max.ms", Type: configkey.Int, Default: "1000", Doc: "Longest wait between two elections."},
	{Name: "controller.quorum.request.timeout.ms", Type: configkey.Int, Default: "2000", Doc: "How long a request between controllers may take."},
	{Name: "broker.heartbeat.interval.ms", Type: configkey.Int, Default: "500", Min: "1", Kafka: "2000", Doc: "How often a broker tells the controller that it lives."},
	{Name: "broker.session.timeout.ms", Type: configkey.Int, Default: "3000", Min: "1", Kafka: "9000", Doc: "A broker that was silent for this long is fenced."},
	{Name: "initial.broker.registration.timeout.ms", Type: configkey.Int, Default: "60000", Doc: "How long a starting broker tries to register."},
	{Name: "controlled.shutdown.enable", Type: configkey.Bool, Default: "true", Doc: "Move leaderships away before stopping."},
	{Name: "auto.leader.rebalance.enable", Type: configkey.Bool, Default: "true", Doc: "Give leadership back to preferred replicas from time to time."},
	{Name: "leader.imbalance.check.interval.seconds", Type: configkey.Long, Default: "300", Doc: "How often the balance of leaders is checked."},
	{Name: "metadata.log.max.record.bytes.between.snapshots", Type: configkey.Long, Default: "20971520", Doc: "A snapshot of the metadata is made after this many bytes of records."},
	{Name: "metadata.log.max.snapshot.interval.ms", Type: configkey.Long, Default: "3600000", Doc: "A snapshot of the metadata is made after this time, if anything changed."},
	{Name: "metadata.max.retention.bytes", Type: configkey.Long, Default: "104857600", Doc: "Bytes of metadata log and snapshots that are kept."},
	{Name: "metadata.max.retention.ms", Type: configkey.Long, Default: "604800000", Doc: "How long old metadata log and snapshots are kept."},
	{Name: "metadata.log.segment.bytes", Type: configkey.Int, Default: "1073741824", Doc: "Size of a segment of the metadata log."},
	{Name: "metadata.log.segment.ms", Type: configkey.Long, Default: "604800000", Doc: "Age at which a segment of the metadata log rolls."},
}

// replicationKeys: replication.
var replicationKeys = []configkey.Key{
	{Name: "replica.lag.time.max.ms", Type: configkey.Long, Default: "10000", Kafka: "30000", Doc: "A follower that has not caught up for this long leaves the ISR."},
	{Name: "replica.fetch.min.bytes", Type: configkey.Int, Default: "1", Doc: "A follower's fetch waits for this many bytes."},
	{Name: "replica.fetch.max.bytes", Type: configkey.Int, Default: "1048576", Min: "0", Doc: "Most bytes of one partition in a follower's fetch."},
	{Name: "replica.fetch.response.max.bytes", Type: configkey.Int, Default: "10485760", Min: "0", Doc: "Most bytes of a follower's fetch."},
	{Name: "replica.fetch.wait.max.ms", Type: configkey.Int, Default: "500", Min: "1", Doc: "A follower's fetch waits at most this long."},
	{Name: "replica.fetch.backoff.ms", Type: configkey.Int, Default: "1000", Doc: "A follower waits this long after a failed fetch."},
	{Name: "replica.high.watermark.checkpoint.interval.ms", Type: configkey.Long, Default: "5000", Min: "1", Doc: "How often high watermarks are written to their checkpoint."},
	{Name: "num.replica.fetchers", Type: configkey.Int, Default: "1", Min: "0", Change: configkey.Cluster, Doc: "Connections to each leader for replication."},
	{Name: "replica.selector.class", Null: true, Doc: "How a consumer is sent to a replica; only the built-in rack-aware selector (KIP-392)."},
}
