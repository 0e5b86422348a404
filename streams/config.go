package streams

import (
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/streams/processor"
)

// Guarantee is what a crash may do to results.
type Guarantee int

// The guarantees. AtLeastOnce loses nothing and may repeat; ExactlyOnce makes a record's effects on topics, stores and offsets
// visible together, once, to readers of committed records.
const (
	AtLeastOnce Guarantee = iota
	ExactlyOnce
)

// StoreKind is where stores lie by default.
type StoreKind int

// The kinds. Disk survives restarts, Memory is filled from changelogs at each start.
const (
	Disk StoreKind = iota
	Memory
)

// What OnError gets and answers; see package processor.
type (
	// ErrorContext is what is known about a failure.
	ErrorContext = processor.ErrorContext
	// Decision is what becomes of the record.
	Decision = processor.Decision
)

// Action is what becomes of a record that failed.
type Action = processor.Action

// The actions of a Decision.
const (
	Fail  = processor.Fail
	Skip  = processor.Skip
	Retry = processor.Retry
)

// Config is an application's configuration; the zero value of a field is its default. Each field names the key of Kafka Streams.
type Config struct {
	AppID              string          `kafka:"application.id"`
	Brokers            []string        `kafka:"bootstrap.servers"`
	ClientID           string          `kafka:"client.id"`                       // <app>-<process>
	Guarantee          Guarantee       `kafka:"processing.guarantee"`            // AtLeastOnce
	CommitInterval     time.Duration   `kafka:"commit.interval.ms"`              // 30 s; 100 ms with ExactlyOnce
	TransactionTimeout time.Duration   `kafka:"producer.transaction.timeout.ms"` // 10 s
	Workers            int             `kafka:"num.stream.threads"`              // GOMAXPROCS
	StateDir           string          `kafka:"state.dir"`                       // the user's state directory
	Store              StoreKind       // Disk
	TaskTimeout        time.Duration   `kafka:"task.timeout.ms"` // 5 min
	Stay               bool            // in the group when Run ends: for a quick restart
	BufferedRecords    int             `kafka:"buffered.records.per.partition"`                // 1000
	MaxTaskIdle        time.Duration   `kafka:"max.task.idle.ms"`                              // 0; negative: never wait
	Replication        int             `kafka:"replication.factor"`                            // the broker's default
	SessionTimeout     time.Duration   `kafka:"session.timeout.ms"`                            // 45 s
	PurgeInterval      time.Duration   `kafka:"repartition.purge.interval.ms"`                 // 30 s
	ExtraRetention     time.Duration   `kafka:"windowstore.changelog.additional.retention.ms"` // 24 h
	DeadLetter         string          `kafka:"errors.dead.letter.queue.topic.name"`
	Timestamps         TimestampPolicy `kafka:"default.timestamp.extractor"` // FailOnInvalid

	// OnError decides about records that cannot be decoded or that a function fails on; nil fails the task.
	OnError func(ErrorContext, error) Decision `kafka:"processing.exception.handler"`
	// Client is options for every client: TLS, SASL, a dialer.
	Client []kgo.Opt
	Logger *slog.Logger // none: slog.Default
}
