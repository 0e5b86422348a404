package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Fault is why a partition could not be read to its end.
type Fault struct {
	Partition Partition
	Err       error
}

// ReadBack reads partitions from offsets from on, from their log start where there is none, up to the high watermarks of
// now. What could not be read is a fault; it gives up after d without a record.
func ReadBack(ctx context.Context, address string, partitions []Partition, from map[Partition]int64, d time.Duration) ([]Reading, []Fault, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(address), kgo.RetryBackoffFn(quick), kgo.MetadataMinAge(10*time.Millisecond), kgo.RetryTimeout(d),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.KeepRetryableFetchErrors(), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return nil, nil, err
	}
	defer cl.Close()
	r := &readBack{readings: map[Partition]*Reading{}, faults: map[Partition]error{}}
	if err := r.bounds(ctx, kadm.NewClient(cl), partitions, from, d); err != nil {
		return nil, nil, err
	}
	cl.AddConsumePartitions(r.assignment())
	return r.consume(ctx, cl, d)
}

type readBack struct {
	readings map[Partition]*Reading
	order    []Partition
	faults   map[Partition]error
}

// bounds asks for log starts and high watermarks.
func (r *readBack) bounds(ctx context.Context, adm *kadm.Client, partitions []Partition, from map[Partition]int64, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	topics := map[string]bool{}
	var names []string
	for _, p := range partitions {
		if !topics[p.Topic] {
			topics[p.Topic] = true
			names = append(names, p.Topic)
		}
	}
	// An error of some partitions comes with the answers of the others.
	ends, endErr := adm.ListEndOffsets(ctx, names...)
	starts, startErr := adm.ListStartOffsets(ctx, names...)
	if len(starts) == 0 && len(ends) == 0 {
		return fmt.Errorf("list the offsets of %v: %w", names, errors.Join(startErr, endErr))
	}
	for _, p := range partitions {
		start, started := starts.Lookup(p.Topic, p.Index)
		end, ended := ends.Lookup(p.Topic, p.Index)
		if err := errors.Join(start.Err, end.Err); err != nil || !started || !ended {
			r.faults[p] = fmt.Errorf("list offsets: %w", cmp.Or(err, endErr, startErr, errors.New("no answer")))
			continue
		}
		at := start.Offset
		if begin, given := from[p]; given {
			at = max(at, begin)
		}
		r.order = append(r.order, p)
		r.readings[p] = &Reading{Partition: p, LogStart: start.Offset, From: at, HighWatermark: end.Offset}
	}
	return nil
}

// assignment is where to begin, for what is not at its end already.
func (r *readBack) assignment() map[string]map[int32]kgo.Offset {
	out := map[string]map[int32]kgo.Offset{}
	for p, reading := range r.readings {
		if reading.From < reading.HighWatermark {
			if out[p.Topic] == nil {
				out[p.Topic] = map[int32]kgo.Offset{}
			}
			out[p.Topic][p.Index] = kgo.NewOffset().At(reading.From)
		}
	}
	return out
}

// consume polls until every partition is at its end or has a fault.
func (r *readBack) consume(ctx context.Context, cl *kgo.Client, d time.Duration) ([]Reading, []Fault, error) {
	next := map[Partition]int64{}
	for p, reading := range r.readings {
		if reading.From < reading.HighWatermark {
			next[p] = reading.From
		}
	}
	for len(next) > 0 {
		quiet, cancel := context.WithTimeout(ctx, d)
		fetches := cl.PollFetches(quiet)
		over := quiet.Err()
		cancel()
		if over != nil && fetches.NumRecords() == 0 {
			for p, at := range next {
				r.faults[p] = fmt.Errorf("no record at %d in %v, the high watermark is %d: %w", at, d, r.readings[p].HighWatermark, over)
			}
			break
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			p := Partition{rec.Topic, rec.Partition}
			reading := r.readings[p]
			if rec.Offset >= reading.HighWatermark { // came meanwhile
				delete(next, p)
				return
			}
			v, err := ParseValue(rec.Value)
			reading.Entries = append(reading.Entries, Entry{rec.Offset, v, err})
			if next[p] = rec.Offset + 1; next[p] >= reading.HighWatermark {
				delete(next, p)
			}
		})
		fetches.EachError(func(topic string, index int32, err error) {
			p := Partition{topic, index}
			if _, waiting := next[p]; waiting {
				r.faults[p] = fmt.Errorf("fetch at %d: %w", next[p], err)
				delete(next, p)
				cl.RemoveConsumePartitions(map[string][]int32{topic: {index}})
			}
		})
	}
	return r.result()
}

// result separates what was read whole from what was not; the beginning that was read of a faulty one is a reading too, up
// to where it came.
func (r *readBack) result() ([]Reading, []Fault, error) {
	var readings []Reading
	var faults []Fault
	for _, p := range r.order {
		reading := *r.readings[p]
		if r.faults[p] != nil {
			reading.HighWatermark = reading.From
			if n := len(reading.Entries); n > 0 {
				reading.HighWatermark = reading.Entries[n-1].Offset + 1
			}
		}
		readings = append(readings, reading)
	}
	for p, err := range r.faults {
		faults = append(faults, Fault{p, err})
	}
	return readings, faults, nil
}

// Audit compares what a broker serves with a history, over the lives of the broker.
type Audit struct {
	t       testing.TB
	load    *Load
	checker *Checker
	acks    int                 // acknowledgements that the checker knows
	next    map[Partition]int64 // up to where was read
}

// NewAudit begins an audit of what load writes.
func NewAudit(t testing.TB, load *Load) *Audit {
	return &Audit{t: t, load: load, checker: NewChecker(load.History.Sent), next: map[Partition]int64{}}
}

// Continue reads what came since the last time: all that was acknowledged before must be there. The load may go on.
func (a *Audit) Continue(address string) *Report {
	a.t.Helper()
	return a.read(address, a.next)
}

// Whole reads every partition from its beginning.
func (a *Audit) Whole(address string) *Report {
	a.t.Helper()
	return a.read(address, nil)
}

func (a *Audit) read(address string, from map[Partition]int64) *Report {
	a.t.Helper()
	acks := a.load.History.Acks(a.acks)
	a.acks += len(acks)
	a.checker.Acknowledged(acks)
	readings, faults, err := ReadBack(a.t.Context(), address, a.load.Partitions(), from, 20*time.Second)
	if err != nil || len(faults) > 0 {
		a.t.Fatalf("read everything back from %s: %v %v", address, err, faults)
	}
	for _, r := range readings {
		a.checker.Observe(r)
		a.next[r.Partition] = r.HighWatermark
	}
	report := a.checker.Report()
	return &report
}
