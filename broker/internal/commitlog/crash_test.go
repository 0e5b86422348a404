package commitlog

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// promises is what has been acknowledged so far, by partition and offset.
type promises struct {
	mu   sync.Mutex
	acks map[Partition]map[int64]string
}

func (p *promises) ack(q Partition, base int64, values ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.acks[q] == nil {
		p.acks[q] = map[int64]string{}
	}
	for i, v := range values {
		p.acks[q][base+int64(i)] = v
	}
}

// forget takes back what lies at or behind from, or below it.
func (p *promises) forget(q Partition, gone func(offset int64) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.acks[q], func(o int64, _ string) bool { return gone(o) })
}

func (p *promises) drop(q Partition) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.acks, q)
}

func (p *promises) copy() map[Partition]map[int64]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[Partition]map[int64]string{}
	for q, acks := range p.acks {
		out[q] = maps.Clone(acks)
	}
	return out
}

// script is a run that touches everything that writes: appends, rolls, transactions, checkpoints, truncation, retention,
// DeleteRecords, deletion of a topic, a clean shutdown and a restart.
func script(t *testing.T, disk *vfs.Mem, p *promises) {
	cfg := DefaultLogConfig()
	cfg.SegmentBytes, cfg.IndexIntervalBytes, cfg.FileDeleteDelay = 700, 200, 0
	a, b, c := Partition{"a", 0}, Partition{"b", 1}, Partition{"c", 0}
	s := openStore(t, testConfig(disk))
	send := func(l *testLog, q Partition, batch record.Batch, values ...string) {
		r := l.append(batch, AppendParams{LeaderEpoch: l.LatestEpoch(), Origin: origin(batch)})
		p.ack(q, r.BaseOffset, values...)
	}
	checkpoint := func(l *testLog) {
		before := l.directory.state.gen
		l.directory.mu.Lock()
		l.directory.rotate = true
		l.directory.mu.Unlock()
		signal(l.directory.wake)
		for range 1000 {
			l.directory.mu.Lock()
			closed, behind := l.directory.closed.gen, l.directory.behind.Load()
			l.directory.mu.Unlock()
			if closed >= before && behind == 0 {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Fatal("no checkpoint")
	}
	la, lb, lc := s.create(a, cfg), s.create(b, cfg), s.create(c, cfg)
	if err := la.AssignEpoch(0, 0); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		v := fmt.Sprintf("a%d-%080d", i, i)
		send(la, a, produced(1, 0, int32(i), false, v), v)
		send(lc, c, batchOf(t0, "c"), "c")
		if i%4 == 0 {
			send(lb, b, produced(7, 0, int32(i/4), true, "txn"), "txn")
		}
	}
	checkpoint(la)
	send(lb, b, record.Marker{Type: record.Abort, ProducerID: 7, Timestamp: t0}.Batch())
	p.forget(a, func(o int64) bool { return o >= 9 })
	if err := la.Truncate(9); err != nil {
		t.Fatal(err)
	}
	if err := la.AssignEpoch(2, 9); err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		v := fmt.Sprintf("again%d-%060d", i, i)
		send(la, a, batchOf(t0, v), v)
	}
	p.forget(a, func(o int64) bool { return o < 4 })
	if err := la.DeleteRecords(4); err != nil {
		t.Fatal(err)
	}
	la.SetHighWatermark(la.EndOffset())
	s.retain(time.UnixMilli(t0))
	p.drop(c)
	if err := s.Delete(c); err != nil {
		t.Fatal(err)
	}
	checkpoint(la)
	send(lb, b, batchOf(t0, "last"), "last")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, testConfig(disk))
	la = watch(t, s.Log(a))
	send(la, a, batchOf(t0, "after the restart"), "after the restart")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}

type crashed struct {
	at   string
	disk *vfs.Mem
	acks map[Partition]map[int64]string
}

func TestNothingAcknowledgedIsLostAtAnyCrash(t *testing.T) {
	for _, keep := range []vfs.Keep{vfs.KeepNothing, vfs.KeepAll, vfs.KeepRandom} {
		t.Run(fmt.Sprint("keep ", keep), func(t *testing.T) {
			t.Parallel()
			disk := vfs.NewMem()
			p := &promises{acks: map[Partition]map[int64]string{}}
			var mu sync.Mutex
			var crashes []crashed
			disk.OnOp(func(op vfs.Op, name string) {
				if op&vfs.OpChange == 0 {
					return
				}
				if op == vfs.OpSync && strings.HasSuffix(name, ".ring") {
					time.Sleep(200 * time.Microsecond) // an acknowledgement that does not wait for the sync comes now
				}
				acks := p.copy()
				mu.Lock()
				defer mu.Unlock()
				n := len(crashes)
				crashes = append(crashes, crashed{fmt.Sprintf("%d: %v %s", n, op, name), disk.CrashClone(vfs.Crash{Seed: uint64(n), Data: keep, Names: keep}), acks})
			})
			script(t, disk, p)
			t.Logf("%d crashes", len(crashes))
			for _, c := range crashes {
				c.check(t)
			}
		})
	}
}

func (c *crashed) check(t *testing.T) {
	t.Helper()
	s, err := Open(testConfig(c.disk))
	if err != nil {
		t.Errorf("crash at %s: open: %v", c.at, err)
		return
	}
	defer s.Close()
	for q, acks := range c.acks {
		l := s.Log(q)
		if l == nil {
			if len(acks) > 0 {
				t.Errorf("crash at %s: %v is gone", c.at, q)
			}
			continue
		}
		got := map[int64]string{}
		all, err := tryReadAll(l, l.StartOffset())
		if err != nil {
			t.Errorf("crash at %s: read %v: %v", c.at, q, err)
			continue
		}
		for _, r := range all {
			got[offsetOf(r)] = r
		}
		for o, v := range acks {
			if want := fmt.Sprintf("%d=%s", o, v); got[o] != want {
				t.Errorf("crash at %s: %v has %q at %d, acknowledged was %q (start %d, end %d)", c.at, q, got[o], o, v, l.StartOffset(), l.EndOffset())
				break
			}
		}
		if l.Unclean() {
			t.Errorf("crash at %s: %v is unclean", c.at, q)
		}
		c.dedup(t, l, q)
	}
}

// dedup holds the producer state against the log: it is what the batches say.
func (c *crashed) dedup(t *testing.T, l *Log, q Partition) {
	t.Helper()
	want := &producers{}
	for at := l.StartOffset(); at < l.EndOffset(); {
		chunk, err := l.Read(at, l.EndOffset(), 1<<20, true)
		if err != nil || len(chunk.Bytes) == 0 {
			return
		}
		for rest := chunk.Bytes; len(rest) > 0; {
			var b record.Batch
			b, rest, _ = record.First(rest)
			replayProducer(want, b)
		}
		at = chunk.NextOffset
		chunk.Release()
	}
	for id, w := range want.byID {
		g := l.state.byID[id]
		if g == nil || *g.last() != *w.last() || g.txnFirst != w.txnFirst || g.epoch != w.epoch {
			t.Errorf("crash at %s: %v knows of producer %d %+v, its batches say %+v", c.at, q, id, g, w)
		}
	}
}
