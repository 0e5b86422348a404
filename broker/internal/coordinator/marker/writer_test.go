package marker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// fake is coordinators and partitions.
type fake struct {
	mu        sync.Mutex // guards the fields below
	work      []txn.Markers
	waiting   func(any, error)
	failing   int // appends that fail before one works
	appended  []record.Marker
	offsets   []int32
	completed []txn.Completed
}

func (f *fake) Submit(_ int32, ev txn.Event, done func(any, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch ev := ev.(type) {
	case txn.NextMarkers:
		f.waiting = done
		f.handOut()
	case txn.Completed:
		f.completed = append(f.completed, ev)
		done(true, nil)
	default: // a writer asks for nothing else
		done(nil, fmt.Errorf("unexpected %T", ev))
	}
}

func (f *fake) handOut() {
	if f.waiting != nil && len(f.work) > 0 {
		f.waiting(f.work, nil)
		f.waiting, f.work = nil, nil
	}
}

func (f *fake) decide(m txn.Markers) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.work = append(f.work, m)
	f.handOut()
}

func (f *fake) Append(batch []byte, _ replica.Acks, _ commitlog.AppendParams, ack replica.Ack) (commitlog.Appended, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing--; f.failing >= 0 {
		if f.failing%2 == 0 {
			return commitlog.Appended{}, commitlog.ErrStorage
		}
		ack.Acked(commitlog.ErrStorage)
		return commitlog.Appended{}, nil
	}
	m, err := record.ParseMarker(record.Batch(batch))
	if err == nil {
		f.appended = append(f.appended, m)
	}
	ack.Acked(nil)
	return commitlog.Appended{}, err
}

func (f *fake) writer() *Writer {
	return New(Config{
		Coordinators: f, OffsetsTopic: "offsets", Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		Partition: func(topic string, _ int32) (Partition, bool) { return f, topic == "gone" },
		Offsets: func(partition int32, _ record.Marker, _ bool, done func(error)) {
			f.mu.Lock()
			f.offsets = append(f.offsets, partition)
			f.mu.Unlock()
			done(nil)
		},
	})
}

func TestMarkersAreWrittenUntilTheyAreDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{failing: 5}
		w := f.writer()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1) // the writer's end
		go func() { ended <- w.Run(ctx) }()
		w.Lead(3, 9)
		m := txn.Markers{
			ID: "x", ProducerID: 7, Epoch: 2, Commit: true,
			Partitions: []txn.Partitions{{Topic: "a", List: []int32{0, 1}}, {Topic: "gone", List: []int32{0}}, {Topic: "offsets", List: []int32{4}}},
		}
		f.decide(m)
		time.Sleep(time.Millisecond)
		f.decide(m) // the core was loaded anew: it is worked on already
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(f.appended) != 2 || len(f.completed) != 1 || len(f.offsets) != 1 {
			t.Fatalf("appended %v, offsets %v, completed %v", f.appended, f.offsets, f.completed)
		}
		if got := f.appended[0]; got.Type != record.Commit || got.ProducerID != 7 || got.ProducerEpoch != 2 || got.CoordinatorEpoch != 9 {
			t.Errorf("marker %+v", got)
		}
		f.decide(m) // the next transaction of the same epoch
		time.Sleep(time.Second)
		if synctest.Wait(); len(f.completed) != 2 {
			t.Errorf("completed %v", f.completed)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAResignedPartitionIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{failing: 1 << 20}
		w := f.writer()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1) // the writer's end
		go func() { ended <- w.Run(ctx) }()
		w.Lead(0, 1)
		f.decide(txn.Markers{ID: "x", Partitions: []txn.Partitions{{Topic: "a", List: []int32{0}}}})
		time.Sleep(time.Second)
		w.Resign(0)
		time.Sleep(time.Second)
		f.mu.Lock()
		tries := f.failing
		f.mu.Unlock()
		time.Sleep(time.Minute)
		if f.failing != tries {
			t.Errorf("%d attempts after the resignation", tries-f.failing)
		}
		w.Lead(0, 2)
		synctest.Wait()
		f.mu.Lock()
		f.failing = 0
		f.mu.Unlock()
		f.decide(txn.Markers{ID: "x", Partitions: []txn.Partitions{{Topic: "a", List: []int32{0}}}})
		time.Sleep(time.Second)
		if synctest.Wait(); len(f.completed) != 1 || f.appended[0].CoordinatorEpoch != 2 {
			t.Errorf("completed %v, appended %v", f.completed, f.appended)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
