package config

import (
	"strconv"
	"time"

	"github.com/mainstem-io/mainstem/internal/configkey"
)

// Topic is the configuration of a topic, typed. Durations of -1 mean no limit.
type Topic struct {
	Delete, Compact   bool
	CompressionType   string // "producer" or a codec's name
	CompressionLevel  int    // of CompressionType
	MaxMessageBytes   int
	LogAppendTime     bool
	TimestampBefore   time.Duration
	TimestampAfter    time.Duration
	MinInsyncReplicas int // capped at the number of replicas by whoever counts them
	UncleanElection   bool
	FlushOS           bool
	FlushMessages     int64
	FlushInterval     time.Duration
	SegmentBytes      int64
	SegmentAge        time.Duration
	SegmentJitter     time.Duration
	SegmentIndexBytes int64
	IndexInterval     int64
	RetentionBytes    int64
	RetentionAge      time.Duration
	FileDeleteDelay   time.Duration
	DeleteRetention   time.Duration
	MinCompactionLag  time.Duration
	MaxCompactionLag  time.Duration
	MinCleanableRatio float64
	Validation        *Validation // of records against schemas; nil: none
}

// Topic resolves the configuration of a topic with the given overrides and number of replicas.
func (b *Broker) Topic(overrides map[string]string, replicas int) *Topic {
	get := func(name string) string {
		v, _ := b.topicValue(name, overrides, replicas)
		return v
	}
	ms := func(name string) time.Duration { return milliseconds(parseInt(get(name))) }
	number := func(name string) int64 { return parseInt(get(name)) }
	t := &Topic{
		CompressionType: get("compression.type"), MaxMessageBytes: int(number("max.message.bytes")),
		LogAppendTime:   get("message.timestamp.type") == "LogAppendTime",
		TimestampBefore: ms("message.timestamp.before.max.ms"), TimestampAfter: ms("message.timestamp.after.max.ms"),
		MinInsyncReplicas: int(number("min.insync.replicas")), UncleanElection: get("unclean.leader.election.enable") == "true",
		FlushOS: get("flush.policy") == "os", FlushMessages: number("flush.messages"), FlushInterval: ms("flush.ms"),
		SegmentBytes: number("segment.bytes"), SegmentAge: ms("segment.ms"), SegmentJitter: ms("segment.jitter.ms"),
		SegmentIndexBytes: number("segment.index.bytes"), IndexInterval: number("index.interval.bytes"),
		RetentionBytes: number("retention.bytes"), RetentionAge: ms("retention.ms"), FileDeleteDelay: ms("file.delete.delay.ms"),
		DeleteRetention: ms("delete.retention.ms"), MinCompactionLag: ms("min.compaction.lag.ms"), MaxCompactionLag: ms("max.compaction.lag.ms"),
	}
	t.MinCleanableRatio, _ = strconv.ParseFloat(get("min.cleanable.dirty.ratio"), 64)
	for _, p := range configkey.SplitList(get("cleanup.policy")) {
		t.Delete = t.Delete || p == "delete"
		t.Compact = t.Compact || p == "compact"
	}
	t.Validation = validation(func(name string) (string, bool) {
		v, source := b.topicValue(name, overrides, replicas)
		return v, source == FromTopic
	})
	if level, ok := compressionLevels[t.CompressionType]; ok {
		t.CompressionLevel = int(number(level))
	}
	return t
}

// compressionLevels names the key with the level of a codec.
var compressionLevels = map[string]string{
	"gzip": "compression.gzip.level", "lz4": "compression.lz4.level", "zstd": "compression.zstd.level",
}

// topicValue is the text of a topic key and the layer it came from.
func (b *Broker) topicValue(name string, overrides map[string]string, replicas int) (string, Source) {
	if v, ok := overrides[name]; ok {
		return v, FromTopic
	}
	k, ok := TopicKeys.Lookup(name)
	if !ok {
		panic("config: no topic key " + name)
	}
	v, source := b.resolve(k)
	if name == "min.insync.replicas" && source == FromDefault {
		return defaultMinISR(replicas), FromClusterDefault
	}
	return v, source
}

// defaultMinISR is 2 from three replicas on, else 1 (storage.md 11.5). DescribeConfigs shows it as a dynamic
// default, as Kafka does for its own value while ELR is on.
func defaultMinISR(replicas int) string {
	if replicas >= 3 {
		return "2"
	}
	return "1"
}
