package commitlog

import (
	"log/slog"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// FlushPolicy decides when an append is durable (storage.md 4.9).
type FlushPolicy uint8

const (
	FlushJournal FlushPolicy = iota // fsynced in the journal before it counts
	FlushOS                         // in the page cache, as Apache Kafka
)

// Config is what a Store needs. The zero value of a field means the default in its comment.
type Config struct {
	FS                 vfs.FS
	Dirs               []string // log.dirs, at least one; made when missing
	MetadataDir        string   // metadata.log.dir; default Dirs[0]
	JournalDir         string   // journal.dir; default "journal" in each directory
	JournalEngine      string   // journal.engine: "ring" (default) or "tidwall"
	JournalIO          string   // journal.io: "direct" (default) or "dsync"
	JournalFileBytes   int64    // journal.file.bytes; default 256 MiB
	DamageAccept       bool     // journal.damage.accept
	NodeID             int32
	ClusterID          string               // checked against meta.properties; written, or made, on a new directory
	CheckpointInterval time.Duration        // log.flush.offset.checkpoint.interval.ms; default 30 s
	RetentionInterval  time.Duration        // log.retention.check.interval.ms; default 5 min
	HighWatermarkEvery time.Duration        // replica.high.watermark.checkpoint.interval.ms; default 5 s
	RecoveryThreads    int                  // num.recovery.threads.per.data.dir; default 2
	Cleaner            func() CleanerConfig // log.cleaner.*, read before each round; nil: nothing is compacted
	ProducerExpiration func() time.Duration // producer.id.expiration.ms, read at each check; default 24 h
	Now                func() time.Time     // default time.Now
	Logger             *slog.Logger
}

// LogConfig is a topic's configuration as far as its logs care. Build it with DefaultLogConfig and change fields.
type LogConfig struct {
	SegmentBytes       int64
	SegmentAge         time.Duration // segment.ms
	SegmentJitter      time.Duration
	SegmentIndexBytes  int64
	IndexIntervalBytes int64
	RetentionBytes     int64         // -1: no limit
	RetentionAge       time.Duration // -1: no limit
	FileDeleteDelay    time.Duration
	Delete, Compact    bool // cleanup.policy
	LogAppendTime      bool // message.timestamp.type
	FlushPolicy        FlushPolicy
	FlushMessages      int64 // honoured under FlushOS
	FlushInterval      time.Duration
	DeleteRetention    time.Duration
	MinCompactionLag   time.Duration
	MaxCompactionLag   time.Duration
	MinCleanableRatio  float64
}

// DefaultLogConfig is Apache Kafka's defaults with flush.policy=journal.
func DefaultLogConfig() LogConfig {
	const forever = time.Duration(1<<63 - 1)
	return LogConfig{
		SegmentBytes: 1 << 30, SegmentAge: 7 * 24 * time.Hour, SegmentIndexBytes: 10 << 20, IndexIntervalBytes: 4096,
		RetentionBytes: -1, RetentionAge: 7 * 24 * time.Hour, FileDeleteDelay: time.Minute, Delete: true,
		FlushMessages: 1<<63 - 1, FlushInterval: forever, DeleteRetention: 24 * time.Hour,
		MaxCompactionLag: forever, MinCleanableRatio: 0.5,
	}
}
