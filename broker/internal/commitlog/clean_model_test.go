package commitlog

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// sent is one record as it was written.
type sent struct {
	key, value string // value "" is a tombstone
	producer   int64  // of a transaction; 0 without
	outcome    record.ControlType
	decided    bool
}

// compacted plays a random but repeatable history on a compacted log and knows what a reader must find.
type compacted struct {
	t     *testing.T
	rng   *rand.Rand
	disk  *vfs.Mem
	store *testStore
	log   *testLog
	cfg   LogConfig
	now   time.Duration // since t0
	sent  map[int64]*sent
	next  map[int64]int32
	open  map[int64][]*sent // by producer
	ends  []int64
	round int
}

func newCompacted(t *testing.T, seed uint64) *compacted {
	cfg := DefaultLogConfig()
	cfg.Delete, cfg.Compact, cfg.MinCleanableRatio, cfg.FileDeleteDelay = false, true, 0, 0
	cfg.SegmentBytes, cfg.IndexIntervalBytes, cfg.DeleteRetention = 1500, 200, 10*time.Minute
	c := &compacted{t: t, rng: rand.New(rand.NewPCG(seed, 7)), disk: vfs.NewMem(), cfg: cfg, sent: map[int64]*sent{}, next: map[int64]int32{}, open: map[int64][]*sent{}}
	c.store = openStore(t, testConfig(c.disk))
	c.log = c.store.create(Partition{"c", 0}, cfg)
	return c
}

func (c *compacted) step() {
	c.now += time.Duration(c.rng.IntN(60)) * time.Second
	switch op := c.rng.IntN(100); {
	case op < 50:
		c.write(0)
	case op < 60:
		c.write(1 + c.rng.Int64N(3))
	case op < 75:
		c.transact(100 + c.rng.Int64N(3))
	case op < 80:
		c.truncate()
	case op < 92:
		c.clean()
	case op < 95:
		c.reopen(false)
	default:
		c.reopen(true)
	}
}

// write appends a batch of a few keys: producers from 100 on in their transaction.
func (c *compacted) write(pid int64) {
	b := record.Builder{Codec: record.Codec(c.rng.IntN(5)), Transactional: pid >= 100}
	if pid > 0 {
		b.Producer = record.ProducerStamp{Set: true, ID: pid, Sequence: c.next[pid]}
	}
	var records []*sent
	for range 1 + c.rng.IntN(4) {
		s := &sent{key: fmt.Sprint("k", c.rng.IntN(12))}
		value := []byte(nil)
		if c.rng.IntN(5) > 0 {
			s.value = fmt.Sprintf("%d.%s", c.rng.IntN(1e6), strings.Repeat("v", c.rng.IntN(60)))
			value = []byte(s.value)
		}
		if pid >= 100 {
			s.producer = pid
			c.open[pid] = append(c.open[pid], s)
		}
		records = append(records, s)
		b.Append(t0+c.now.Milliseconds()-c.rng.Int64N(1000), []byte(s.key), value, nil)
	}
	batch, err := b.Build()
	if err != nil {
		c.t.Fatal(err)
	}
	a := c.append(batch, FromClient)
	for i, s := range records {
		c.sent[a.BaseOffset+int64(i)] = s
	}
	c.next[pid] += int32(len(records))
}

func (c *compacted) append(b record.Batch, o Origin) Appended {
	a, err := c.log.Append(b, AppendParams{Origin: o})
	if err != nil || a.Duplicate {
		c.t.Fatalf("append: %+v, %v", a, err)
	}
	c.ends = append(c.ends, a.LastOffset+1)
	return a
}

func (c *compacted) transact(pid int64) {
	if len(c.open[pid]) == 0 || c.rng.IntN(3) == 0 {
		c.write(pid)
		return
	}
	kind := record.ControlType(c.rng.IntN(2))
	c.append(record.Marker{Type: kind, ProducerID: pid, Timestamp: t0 + c.now.Milliseconds()}.Batch(), FromCoordinator)
	for _, s := range c.open[pid] {
		s.outcome, s.decided = kind, true
	}
	c.open[pid] = nil
}

// truncate takes back what the cleaner did not look at yet: a real follower cuts above the high watermark only.
func (c *compacted) truncate() {
	if len(c.ends) < 4 || len(c.open[100])+len(c.open[101])+len(c.open[102]) > 0 {
		return
	}
	end := c.ends[len(c.ends)-2]
	if end < c.log.cleanerPoint {
		return
	}
	for o := end; o < c.log.EndOffset(); o++ {
		if s := c.sent[o]; s == nil || s.producer > 0 {
			return // a marker would reopen its transaction
		}
	}
	c.settle()
	if err := c.log.Truncate(end); err != nil {
		c.t.Fatal(err)
	}
	c.ends = c.ends[:len(c.ends)-1]
	for o := range c.sent {
		if o >= end {
			delete(c.sent, o)
		}
	}
	for _, p := range c.log.Producers(time.UnixMilli(t0)) {
		c.next[p.ProducerID] = p.LastSequence + 1
	}
	for pid := range c.next {
		if c.log.state.byID[pid] == nil {
			c.next[pid] = 0
		}
	}
	c.write(0) // a truncation is durable with what follows it
	c.settle()
}

func (c *compacted) settle() {
	if end := c.log.EndOffset(); end > 0 {
		if err := c.log.await(end - 1); err != nil {
			c.t.Fatal(err)
		}
	}
	c.log.SetHighWatermark(c.log.EndOffset())
}

func (c *compacted) clean() {
	c.settle()
	cfg := CleanerConfig{Threads: 1, DedupeBytes: slotBytes * int64(5+c.rng.IntN(16)), LoadFactor: 0.9, BytesPerSecond: 1e12}
	if c.store.clean(context.Background(), cfg, time.UnixMilli(t0).Add(c.now)) > 0 {
		c.round++
	}
	if st := c.store.CleanerStats(); st.Failed > 0 {
		c.t.Fatalf("the cleaner failed: %+v", st)
	}
	c.check()
}

func (c *compacted) reopen(crash bool) {
	c.settle()
	if crash {
		after := c.disk.CrashClone(vfs.Crash{Seed: c.rng.Uint64(), Data: vfs.Keep(c.rng.IntN(3)), Names: vfs.Keep(c.rng.IntN(3))})
		_ = c.store.stop()
		c.disk = after
		if c.rng.IntN(2) == 0 {
			c.loseSnapshots()
		}
	} else if err := c.store.stop(); err != nil {
		c.t.Fatal(err)
	}
	c.store = openStore(c.t, testConfig(c.disk))
	l := c.store.Log(Partition{"c", 0})
	l.SetConfig(c.cfg)
	c.log = watch(c.t, l)
	c.settle()
	c.check()
	for pid, seq := range c.next {
		if p := l.state.byID[pid]; pid > 0 && seq > 0 && (p == nil || p.kept == 0 || p.last().lastSequence != seq-1) {
			c.t.Fatalf("producer %d came to sequence %d, the log knows %+v", pid, seq-1, p)
		}
	}
}

// loseSnapshots leaves the batches alone to say how far the producers came.
func (c *compacted) loseSnapshots() {
	files, err := listPartition(c.disk, "/data/c-0")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, o := range files.snapshots {
		if err := c.disk.Remove("/data/c-0/" + offsetName(o, snapshotSuffix)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// check reads everything: every record is one that was written there, and the newest committed ones of all keys are as
// if nothing had ever been cleaned.
func (c *compacted) check() {
	c.t.Helper()
	want, got := map[string]string{}, map[string]string{}
	stable := c.log.EndOffset()
	if first, ok := c.log.FirstUnstableOffset(); ok {
		stable = first
	}
	seen := map[int64]bool{}
	aborted, err := c.log.AbortedTxns(0, c.log.EndOffset())
	if err != nil {
		c.t.Fatal(err)
	}
	for o := int64(0); o < stable; o++ {
		if s := c.sent[o]; s != nil && (s.producer == 0 || s.outcome == record.Commit) {
			want[s.key] = s.value
		}
	}
	err = eachRecord(c.log.Log, c.log.EndOffset, func(b record.Batch, r *record.Record) {
		s := c.sent[r.Offset]
		if s == nil || s.key != string(r.Key) || s.value != string(r.Value) {
			c.t.Fatalf("offset %d has %s=%s, written was %+v", r.Offset, r.Key, r.Value, s)
		}
		seen[r.Offset] = true
		for _, a := range aborted {
			if b.Transactional() && a.ProducerID == b.ProducerID() && r.Offset >= a.FirstOffset && r.Offset <= a.LastOffset {
				return
			}
		}
		if r.Offset < stable {
			got[s.key] = s.value
		}
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for key, value := range want {
		if got[key] != value { // a tombstone that went counts as one
			c.t.Fatalf("%s is %q, the newest written was %q\n%v", key, got[key], value, aborted)
		}
	}
	for o := c.log.cleanerPoint; o < c.log.EndOffset(); o++ {
		if s := c.sent[o]; s != nil && !seen[o] && (s.producer == 0 || s.outcome == record.Commit) {
			c.t.Fatalf("offset %d is gone before the cleaner came to it: %+v, cleaned to %d", o, s, c.log.cleanerPoint)
		}
	}
	if c.log.Unclean() || c.log.corrupt.Load() != nil {
		c.t.Fatal("the log is unclean")
	}
}

func eachRecord(l *Log, end func() int64, fn func(b record.Batch, r *record.Record)) error {
	d := new(record.Decompressor)
	for at := l.StartOffset(); at < end(); {
		c, err := l.Read(at, end(), 4096, true)
		if err != nil {
			return err
		}
		if len(c.Bytes) == 0 { // what was here is superseded by what came behind end
			continue
		}
		for rest := c.Bytes; len(rest) > 0; {
			var b record.Batch
			if b, rest, err = record.First(rest); err != nil {
				return err
			}
			if b.Control() {
				continue
			}
			it, err := b.Records(d)
			if err != nil {
				return err
			}
			for it.Next() {
				fn(b, it.Record())
			}
			if it.Err() != nil {
				return it.Err()
			}
		}
		at = c.NextOffset
		c.Release()
	}
	return nil
}

func TestACompactedHistoryKeepsTheNewestOfEachKey(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 6
	}
	rounds := 0
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			c := newCompacted(t, seed)
			for range 250 {
				c.step()
			}
			c.clean()
			rounds += c.round
		})
	}
	if rounds < int(seeds)*5 {
		t.Errorf("the cleaner made %d rounds only", rounds)
	}
}

// TestNothingIsLostAtAnyCrashOfTheCleaner stops the disk at each of its operations in the middle of a round.
func TestNothingIsLostAtAnyCrashOfTheCleaner(t *testing.T) {
	for _, keep := range []vfs.Keep{vfs.KeepNothing, vfs.KeepAll, vfs.KeepRandom} {
		t.Run(fmt.Sprint("keep ", keep), func(t *testing.T) {
			t.Parallel()
			seeds := uint64(12)
			if testing.Short() {
				seeds = 2
			}
			crashes := 0
			for seed := range seeds {
				crashes += crashCleaner(t, seed, keep)
			}
			t.Logf("%d crashes", crashes)
			if crashes < 10*int(seeds) {
				t.Error("the cleaner did hardly anything")
			}
		})
	}
}

func crashCleaner(t *testing.T, seed uint64, keep vfs.Keep) int {
	t.Helper()
	c := newCompacted(t, seed)
	for range 160 {
		c.step()
	}
	c.settle()
	var mu sync.Mutex
	var crashes []crashed
	c.disk.OnOp(func(op vfs.Op, name string) {
		if op&vfs.OpChange == 0 {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		n := len(crashes)
		crashes = append(crashes, crashed{at: fmt.Sprintf("seed %d, %d: %v %s", seed, n, op, name), disk: c.disk.CrashClone(vfs.Crash{Seed: uint64(n), Data: keep, Names: keep})})
	})
	c.clean()
	disk := c.disk
	disk.OnOp(nil)
	for _, crash := range crashes {
		func() {
			defer func() {
				if t.Failed() {
					t.Logf("crash at %s", crash.at)
				}
			}()
			s, err := Open(testConfig(crash.disk))
			if err != nil {
				t.Fatalf("open: %v", err)
			}
			defer s.Close()
			l := s.Log(Partition{"c", 0})
			l.SetConfig(c.cfg)
			l.SetHighWatermark(l.EndOffset())
			l.cleanerPoint = l.EndOffset() // how far the cleaner came is written down when it is done
			after := *c
			after.log = &testLog{Log: l, t: t}
			after.check()
			files, err := listPartition(crash.disk, l.path)
			if err != nil || len(files.swaps) > 0 {
				t.Fatalf("left are %v, %v", files.swaps, err)
			}
		}()
	}
	return len(crashes)
}

// TestReadersDuringCleaningSeeEverySurvivorOnce reads in a loop, in small steps, while rounds of the cleaner go on.
func TestReadersDuringCleaningSeeEverySurvivorOnce(t *testing.T) {
	cfg := DefaultLogConfig()
	cfg.Delete, cfg.Compact, cfg.MinCleanableRatio, cfg.FileDeleteDelay = false, true, 0, 0
	cfg.SegmentBytes, cfg.IndexIntervalBytes = 4000, 300
	s := openStore(t, testConfig(vfs.NewMem()))
	l := s.create(Partition{"t", 0}, cfg)
	keys, rounds := 40, 25
	if testing.Short() {
		rounds = 8
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				last, newest := int64(-1), map[string]int64{}
				end := l.HighWatermark()
				err := eachRecord(l.Log, l.HighWatermark, func(_ record.Batch, r *record.Record) {
					if r.Offset <= last {
						t.Errorf("offset %d came after %d", r.Offset, last)
					}
					last = r.Offset
					newest[string(r.Key)] = r.Offset
				})
				if err != nil {
					t.Error(err)
					return
				}
				if end >= int64(keys) && len(newest) != keys {
					t.Errorf("%d keys of %d below %d", len(newest), keys, end)
				}
				if _, _, err := l.OffsetForTime(t0+5, l.EndOffset()); err != nil {
					t.Error(err)
				}
				if _, err := l.AbortedTxns(0, end); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for round := range rounds {
		for i := range 4 * keys {
			b := record.Builder{}
			b.Append(t0+int64(round), fmt.Appendf(nil, "k%d", i%keys), []byte(strings.Repeat("v", 30)), nil)
			batch, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Append(batch, client()); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.await(l.EndOffset() - 1); err != nil {
			t.Fatal(err)
		}
		l.SetHighWatermark(l.EndOffset())
		s.clean(context.Background(), CleanerConfig{Threads: 1, DedupeBytes: 1 << 20, LoadFactor: 0.9, BytesPerSecond: 1e12}, time.UnixMilli(t0))
	}
	close(stop)
	readers.Wait()
	if st := s.CleanerStats(); st.Rounds < int64(rounds)/2 || st.Failed > 0 {
		t.Errorf("the cleaner did %+v", st)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}
