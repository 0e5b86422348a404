package broker

import (
	"strconv"

	"github.com/mainstem-io/mainstem/internal/metric"
)

// Collect emits every metric: our own names (mainstem_...), those that jmx_exporter gives Apache Kafka's, and those of
// kafka_exporter, so that existing dashboards work. detail adds partitions and the topics one by one.
func (b *Broker) Collect(detail bool, emit func(metric.Sample)) {
	e := emitter(emit)
	b.collectRequests(e)
	b.collectTraffic(e, detail)
	if r := b.rooms.Load(); r != nil {
		b.collectCluster(e, r)
		b.collectStore(e, r)
		b.collectCoordinators(e, r, detail)
		if detail {
			b.collectPartitions(e, r)
		}
	}
	ready := 1.0
	if b.Ready() != nil {
		ready = 0
	}
	e.gauge("mainstem_broker_ready", "1 while requests are served", ready)
}

type emitter func(metric.Sample)

func (e emitter) counter(name, help string, v float64, labels ...string) {
	e(metric.Sample{Name: name, Help: help, Kind: metric.Counter, Value: v, Labels: labels})
}

func (e emitter) gauge(name, help string, v float64, labels ...string) {
	e(metric.Sample{Name: name, Help: help, Kind: metric.Gauge, Value: v, Labels: labels})
}

func (e emitter) histogram(name, help string, h *metric.Snapshot, labels ...string) {
	e(metric.Sample{Name: name, Help: help, Kind: metric.Distribution, Hist: h, Labels: labels})
}

// quantiles emits a histogram as jmx_exporter does: a gauge for each quantile, and the count.
func (e emitter) quantiles(name, help string, h *metric.Snapshot, factor float64, labels ...string) {
	for _, q := range []string{"0.50", "0.75", "0.95", "0.98", "0.99", "0.999"} {
		f, _ := strconv.ParseFloat(q, 64)
		e.gauge(name, help, h.Quantile(f)*factor, append([]string{"quantile", q}, labels...)...)
	}
	e.counter(name+"_count", help, float64(h.Count), labels...)
}

func (b *Broker) collectRequests(e emitter) {
	m := b.metrics
	e.gauge("mainstem_connections", "open connections", float64(m.open.Load()))
	e.counter("mainstem_connections_total", "connections accepted", float64(m.opened.Load()))
	e.counter("mainstem_connections_refused_total", "connections refused by a limit", float64(m.refused.Load()))
	e.counter("mainstem_requests_malformed_total", "requests that closed their connection", float64(m.malformed.Load()))
	e.counter("mainstem_requests_unsupported_total", "requests of a key or version that is not served", float64(m.unsupported.Load()))
	e.counter("mainstem_network_received_bytes_total", "bytes of requests", float64(m.bytesIn.Load()))
	e.counter("mainstem_network_sent_bytes_total", "bytes of responses", float64(m.bytesOut.Load()))
	for key := range m.requests {
		r := &m.requests[key]
		size, name := r.size.Snapshot(), apiName(key)
		if size.Count == 0 || name == "" {
			continue
		}
		latency := r.latency.Snapshot()
		e.histogram("mainstem_request_duration_seconds", "from the end of a request to its answer", latency, "request", name)
		e.quantiles("kafka_network_requestmetrics_totaltimems", "time of a request in milliseconds", latency, 1e3, "request", name)
		e.quantiles("kafka_network_requestmetrics_requestbytes", "size of a request", size, 1, "request", name)
		for v := range r.versions {
			if n := r.versions[v].Load(); n > 0 {
				e.counter("kafka_network_requestmetrics_requests_total", "requests by version", float64(n), "request", name, "version", strconv.Itoa(v))
			}
		}
	}
	if m.sessions != nil {
		sessions, partitions := m.sessions()
		e.gauge("kafka_server_fetchsessioncache_numincrementalfetchsessions", "incremental fetch sessions", float64(sessions))
		e.gauge("kafka_server_fetchsessioncache_numincrementalfetchpartitionscached", "partitions of fetch sessions", float64(partitions))
	}
}

func (b *Broker) collectTraffic(e emitter, detail bool) {
	b.metrics.total.emit(e)
	if !detail {
		return
	}
	b.metrics.mu.RLock()
	defer b.metrics.mu.RUnlock()
	for name, t := range b.metrics.topics {
		t.emit(e, "topic", name)
	}
}

// emit shows traffic under Kafka's names, and schema validation under ours.
func (t *topicMetrics) emit(e emitter, labels ...string) {
	const prefix, ours = "kafka_server_brokertopicmetrics_", "mainstem_schema_validation_"
	for _, row := range []struct {
		name, help string
		value      int64
	}{
		{prefix + "messagesin_total", "records appended", t.messagesIn.Load()},
		{prefix + "bytesin_total", "bytes appended", t.bytesIn.Load()},
		{prefix + "bytesout_total", "bytes fetched", t.bytesOut.Load()},
		{prefix + "bytesrejected_total", "records refused by validation", t.rejected.Load()},
		{prefix + "failedproducerequests_total", "partitions whose produce failed", t.failedProduce.Load()},
		{prefix + "failedfetchrequests_total", "partitions whose fetch failed", t.failedFetch.Load()},
		{prefix + "totalproducerequests_total", "partitions produced to", t.produces.Load()},
		{prefix + "totalfetchrequests_total", "partitions fetched from", t.fetches.Load()},
		{ours + "records_total", "records held against schemas", t.screened.Load()},
		{ours + "rejected_total", "keys and values that made their batch be refused", t.schemaRejected.Load()},
		{ours + "dead_letters_total", "records written to a dead-letter topic", t.schemaBuried.Load()},
		{ours + "warned_total", "keys and values that did not pass and were appended", t.schemaWarned.Load()},
	} {
		e.counter(row.name, row.help, float64(row.value), labels...)
	}
}

func (b *Broker) collectCluster(e emitter, r *rooms) {
	image := r.state.Image()
	topics, partitions, leaders, offline, under := image.TopicCount(), 0, 0, 0, 0
	for _, t := range image.Topics() {
		for _, p := range t.Partitions {
			partitions++
			if p.Leader == r.state.self {
				leaders++
			}
			if p.Leader < 0 {
				offline++
			}
			if len(p.ISR) < len(p.Replicas) {
				under++
			}
		}
		e.gauge("kafka_topic_partitions", "partitions of a topic", float64(len(t.Partitions)), "topic", t.Name)
	}
	e.gauge("kafka_brokers", "brokers in the cluster", float64(len(image.Brokers())))
	e.gauge("kafka_controller_kafkacontroller_activecontrollercount", "1 on the node that leads the quorum", one(r.state.Status().LeaderID == r.state.self))
	e.gauge("kafka_controller_kafkacontroller_activebrokercount", "brokers that are not fenced", float64(len(image.Brokers())))
	e.gauge("kafka_controller_kafkacontroller_globaltopiccount", "topics", float64(topics))
	e.gauge("kafka_controller_kafkacontroller_globalpartitioncount", "partitions", float64(partitions))
	e.gauge("kafka_controller_kafkacontroller_offlinepartitionscount", "partitions without a leader", float64(offline))
	e.gauge("kafka_controller_kafkacontroller_lastappliedrecordoffset", "offset of the metadata log that is in force", float64(image.Offset))
	e.gauge("kafka_controller_kafkacontroller_lastcommittedrecordoffset", "committed offset of the metadata log", float64(r.state.Status().HighWatermark))
	e.gauge("kafka_server_replicamanager_partitioncount", "partitions on this broker", float64(partitions))
	e.gauge("kafka_server_replicamanager_leadercount", "partitions that this broker leads", float64(leaders))
	e.gauge("kafka_server_replicamanager_underreplicatedpartitions", "partitions with fewer in-sync replicas than replicas", float64(under))
	e.gauge("kafka_server_replicamanager_offlinereplicacount", "replicas in offline log directories", float64(offlineLogs(r)))
	for _, broker := range image.Brokers() {
		if len(broker.Endpoints) > 0 {
			at := broker.Endpoints[0]
			e.gauge("kafka_broker_info", "address of a broker", 1, "id", strconv.Itoa(int(broker.ID)), "address", at.Host+":"+strconv.Itoa(int(at.Port)))
		}
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func offlineLogs(r *rooms) (n int) {
	for _, l := range r.store.Logs() {
		if l.Offline() != nil {
			n++
		}
	}
	return n
}

func (b *Broker) collectStore(e emitter, r *rooms) {
	offline := 0
	for _, d := range r.store.Dirs() {
		down := one(d.Offline != nil)
		offline += int(down)
		e.gauge("kafka_log_logmanager_logdirectoryoffline", "1 when the directory is offline", down, "logDirectory", d.Path)
		e.gauge("mainstem_log_dir_total_bytes", "size of the volume", float64(d.TotalBytes), "dir", d.Path)
		e.gauge("mainstem_log_dir_usable_bytes", "free bytes of the volume", float64(d.FreeBytes), "dir", d.Path)
	}
	for i, s := range r.store.Stats() {
		dir := []string{"dir", r.store.Dirs()[i].Path}
		e.counter("mainstem_journal_groups_total", "groups committed, one sync each", float64(s.Groups), dir...)
		e.counter("mainstem_journal_records_total", "records in them", float64(s.Records), dir...)
		e.counter("mainstem_journal_sync_seconds_total", "time in writes and syncs of the journal", s.SyncTime.Seconds(), dir...)
		e.gauge("mainstem_journal_lag_bytes", "bytes of the journal that no checkpoint covers", float64(s.JournalLag), dir...)
		e.gauge("mainstem_journal_queued_bytes", "bytes that wait for the committer", float64(s.QueuedBytes), dir...)
		e.counter("mainstem_checkpoints_total", "checkpoints of the journal", float64(s.Checkpoints), dir...)
		e.counter("mainstem_checkpoint_seconds_total", "time in checkpoints", s.CheckpointTime.Seconds(), dir...)
	}
	c := r.store.CleanerStats()
	e.counter("mainstem_cleaner_rounds_total", "logs that were compacted, each time", float64(c.Rounds))
	e.counter("mainstem_cleaner_failures_total", "rounds of the cleaner that failed", float64(c.Failed))
	e.counter("mainstem_cleaner_read_bytes_total", "bytes that the cleaner read, in both passes", float64(c.Read))
	e.counter("mainstem_cleaner_written_bytes_total", "bytes that the cleaner wrote", float64(c.Written))
	e.gauge("kafka_log_logcleaner_max_buffer_utilization_percent", "how full the map of keys was in the last round", 100*c.LastFill)
	e.gauge("kafka_log_logcleaner_max_clean_time_secs", "seconds that the last round took", c.LastTook.Seconds())
	e.gauge("kafka_log_logcleanermanager_max_dirty_percent", "share of the dirtiest log that is dirty", 100*c.MaxRatio)
	e.gauge("kafka_log_logcleanermanager_uncleanable_partitions_count", "logs that could not be compacted and wait to be tried again", float64(c.Uncleanable))
	e.gauge("kafka_log_logmanager_offlinelogdirectorycount", "log directories that are offline", float64(offline))
}

func (b *Broker) collectPartitions(e emitter, r *rooms) {
	for _, p := range r.replicas.All() {
		labels := []string{"topic", p.Topic, "partition", strconv.Itoa(int(p.Index))}
		log := p.Log()
		e.gauge("kafka_log_log_size", "bytes of a partition", float64(log.Size()), labels...)
		e.gauge("kafka_log_log_logstartoffset", "first offset", float64(log.StartOffset()), labels...)
		e.gauge("kafka_log_log_logendoffset", "next offset", float64(log.EndOffset()), labels...)
		e.gauge("kafka_topic_partition_current_offset", "high watermark", float64(p.HighWatermark()), labels...)
		e.gauge("kafka_topic_partition_oldest_offset", "first offset", float64(log.StartOffset()), labels...)
		e.gauge("kafka_cluster_partition_laststableoffsetlag", "records of open transactions", float64(p.HighWatermark()-p.LastStableOffset()), labels...)
		e.gauge("kafka_topic_partition_leader", "node id of the leader", float64(p.LeaderID()), labels...)
	}
}
