// Package bench owns the workloads of `mainstem bench`: how fast a Kafka takes records, gives them back, and how long
// a record is on its way; transactions, offset commits and rebalances. Latency under a fixed rate is counted from the
// intended time of sending, so a broker that stalls cannot hide it (no coordinated omission). It works against any Kafka
// and is bounded in records and time.
package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Config is one run.
type Config struct {
	Client     []kgo.Opt // seeds and security
	Topic      string
	Partitions int32 // of the topic, for sticky choices
	Records    int64 // stop after this many
	Duration   time.Duration
	Size       int // bytes of a value
	BatchBytes int32
	InFlight   int     // records that may wait in the client
	Producers  int     // closed loop: this many clients that wait for each acknowledgement; 0: as fast as possible
	Rate       float64 // records a second, open loop; 0: as fast as possible
	Acks       string
	Codec      string
	Random     bool   // values that do not compress
	Keys       int    // records have one of so many keys; 0: none
	TxnRecords int    // records in a transaction
	Groups     int    // that commit offsets
	Members    int    // of the group that rebalances
	Protocol   string // of that group: consumer or classic
	topicID    [16]byte
	ServerPID  int // process whose CPU time is measured beside the run; 0: none
}

// Result is what a run measured. Durations are in milliseconds.
type Result struct {
	Job           string  `json:"job"`
	Records       int64   `json:"records"`
	Bytes         int64   `json:"bytes"`
	Errors        int64   `json:"errors"`
	Operations    int64   `json:"operations" col:"OPS,wide"` // transactions, commits, heartbeats
	Moved         int64   `json:"moved" col:"MOVED,wide"`    // partitions that changed their owner
	Seconds       float64 `json:"seconds"`
	OpsPerSec     float64 `json:"ops_per_sec" col:"OPS/S"`
	RecordsPerSec float64 `json:"records_per_sec" col:"RECORDS/S"`
	MBPerSec      float64 `json:"mb_per_sec" col:"MB/S"`
	P50           float64 `json:"p50_ms" col:"P50-MS"`
	P99           float64 `json:"p99_ms" col:"P99-MS"`
	P999          float64 `json:"p999_ms" col:"P99.9-MS"`
	Max           float64 `json:"max_ms" col:"MAX-MS"`
	BytesPerBatch float64 `json:"bytes_per_batch" col:"BYTES/BATCH,wide"`
	ClientCPU     float64 `json:"client_cpu_sec" col:"CLIENT-CPU-S,wide"`
	ServerCPU     float64 `json:"server_cpu_sec" col:"SERVER-CPU-S"`
	CPUPerM       float64 `json:"server_cpu_sec_per_m" col:"CPU-S/M"`
	CPUPerGB      float64 `json:"server_cpu_sec_per_gb" col:"CPU-S/GB"`
}

// meter measures one run.
type meter struct {
	cfg        Config
	start      time.Time
	client0    float64
	server0    float64
	latencies  []int64 // nanoseconds
	operations int64
	batches    batchHook
	firstError error
}

func (c Config) begin() *meter {
	return &meter{cfg: c, start: time.Now(), client0: cpu(os.Getpid()), server0: cpu(c.ServerPID)}
}

func (m *meter) end(job string, records, bytes, failed int64) Result {
	r := Result{Job: job, Records: records, Bytes: bytes, Errors: failed, Seconds: time.Since(m.start).Seconds()}
	r.ClientCPU, r.ServerCPU = cpu(os.Getpid())-m.client0, cpu(m.cfg.ServerPID)-m.server0
	r.Operations, r.OpsPerSec = m.operations, float64(m.operations)/r.Seconds
	r.RecordsPerSec, r.MBPerSec = float64(records)/r.Seconds, float64(bytes)/1e6/r.Seconds
	if m.cfg.ServerPID > 0 && records > 0 {
		r.CPUPerM, r.CPUPerGB = r.ServerCPU/float64(records)*1e6, r.ServerCPU/float64(bytes)*1e9
	}
	if n := m.batches.batches.Load(); n > 0 {
		r.BytesPerBatch = float64(m.batches.bytes.Load()) / float64(n)
	}
	slices.Sort(m.latencies)
	at := func(q float64) float64 {
		if len(m.latencies) == 0 {
			return 0
		}
		i := min(int(q*float64(len(m.latencies))), len(m.latencies)-1)
		return float64(m.latencies[i]) / 1e6
	}
	r.P50, r.P99, r.P999, r.Max = at(0.5), at(0.99), at(0.999), at(1)
	return r
}

// cpu is the user and system time of a process in seconds, from /proc; 0 where there is none.
func cpu(pid int) float64 {
	if pid <= 0 {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field is the command in parentheses and may hold spaces.
	rest := string(text)
	if i := strings.LastIndexByte(rest, ')'); i >= 0 {
		rest = rest[i+1:]
	}
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100 // clock ticks are 1/100 s on every Linux that Go runs on
}

// bounded ends a run after its duration, if it has one.
func (c Config) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.Duration > 0 {
		return context.WithTimeout(ctx, c.Duration)
	}
	return context.WithCancel(ctx)
}
