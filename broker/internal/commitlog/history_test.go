package commitlog

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// history plays a random but repeatable history on one log, and stops the world in its own way now and then: that must
// not change any answer.
type history struct {
	t     *testing.T
	rng   *rand.Rand
	store *testStore
	log   *testLog
	cfg   LogConfig
	stop  func(h *history) // restarts, crashes, or nothing
	model []string         // what has to be readable, "offset=value"
	ends  []int64          // batch ends, for truncations
	epoch int32
	next  map[int64]int32 // next sequence by producer
	open  map[int64]bool  // transactions
	sent  map[int64]record.Batch
}

var historyPartition = Partition{"history", 0}

func (h *history) play(steps int) string {
	for i := range steps {
		h.step(i)
	}
	h.settle()
	return h.answers()
}

func (h *history) step(i int) {
	switch op := h.rng.IntN(100); {
	case op < 45:
		h.plain(i)
	case op < 60:
		h.idempotent(i)
	case op < 70:
		h.transactional(i)
	case op < 75:
		h.retry()
	case op < 78:
		h.truncate()
	case op < 80:
		h.deleteRecords()
	case op < 82:
		h.epoch++
		if err := h.log.AssignEpoch(h.epoch, h.log.EndOffset()); err != nil {
			h.t.Fatal(err)
		}
	case op < 84:
		h.retention()
	case op < 88:
		h.checkpoint()
	case op < 94:
		h.check()
	default:
		h.settle()
		want := h.answers()
		h.stop(h)
		h.log.SetHighWatermark(h.log.EndOffset())
		if got := h.answers(); got != want {
			h.t.Fatalf("after step %d the answers changed: %s", i, difference(got, want))
		}
	}
}

func (h *history) append(b record.Batch, values ...string) Appended {
	a, err := h.log.Append(b, AppendParams{LeaderEpoch: h.epoch, AppendTime: -1, Origin: origin(b)})
	if err != nil {
		h.t.Fatalf("append: %v", err)
	}
	if a.Duplicate {
		return a
	}
	for i, v := range values {
		h.model = append(h.model, fmt.Sprintf("%d=%s", a.BaseOffset+int64(i), v))
	}
	h.ends = append(h.ends, a.LastOffset+1)
	return a
}

func origin(b record.Batch) Origin {
	if b.Control() {
		return FromCoordinator
	}
	return FromClient
}

func (h *history) values(i int) []string {
	out := make([]string, 1+h.rng.IntN(4))
	for j := range out {
		out[j] = fmt.Sprintf("%d.%d.%s", i, j, strings.Repeat("x", h.rng.IntN(200)))
	}
	return out
}

func (h *history) plain(i int) {
	vs := h.values(i)
	b := record.Builder{Codec: record.Codec(h.rng.IntN(5))}
	for j, v := range vs {
		b.Append(t0+int64(i*10+j)+h.rng.Int64N(300)-150, nil, []byte(v), nil)
	}
	batch, err := b.Build()
	if err != nil {
		h.t.Fatal(err)
	}
	h.append(batch, vs...)
}

func (h *history) idempotent(i int) {
	pid := 1 + h.rng.Int64N(4)
	vs := h.values(i)
	b := produced(pid, 0, h.next[pid], false, vs...)
	if a := h.append(b, vs...); a.Duplicate {
		h.t.Fatalf("producer %d, sequence %d: %+v", pid, h.next[pid], a)
	}
	h.next[pid] += int32(len(vs))
	h.sent[pid] = b
}

func (h *history) transactional(i int) {
	pid := 100 + h.rng.Int64N(3)
	if h.open[pid] && h.rng.IntN(2) == 0 {
		m := record.Marker{Type: record.ControlType(h.rng.IntN(2)), ProducerID: pid, CoordinatorEpoch: 1, Timestamp: t0}.Batch()
		a := h.append(m)
		h.model = append(h.model, fmt.Sprintf("%d=%s", a.BaseOffset, []byte{0, 0, 0, 0, 0, 1}))
		h.open[pid] = false
		return
	}
	vs := h.values(i)
	h.append(produced(pid, 0, h.next[pid], true, vs...), vs...)
	h.next[pid] += int32(len(vs))
	h.open[pid] = true
}

func (h *history) retry() {
	for _, pid := range []int64{1, 2, 3, 4} {
		b := h.sent[pid]
		if b == nil {
			continue
		}
		base := b.BaseOffset()
		if a := h.append(slices.Clone(b)); !a.Duplicate || a.BaseOffset != base {
			h.t.Fatalf("retry of producer %d at %d: %+v", pid, base, a)
		}
	}
}

// truncate cuts the log to some batch's end; the producers start over, because what they know is cut too.
func (h *history) truncate() {
	if len(h.ends) < 3 || h.log.EndOffset() == h.log.StartOffset() {
		return
	}
	i := len(h.ends) - 1 - h.rng.IntN(min(len(h.ends)-1, 8))
	end := h.ends[i]
	if end <= h.log.StartOffset() {
		return
	}
	if err := h.log.Truncate(end); err != nil {
		h.t.Fatal(err)
	}
	h.ends = h.ends[:i+1]
	h.model = slices.DeleteFunc(h.model, func(s string) bool { return offsetOf(s) >= end })
	h.resync()
	h.check()
}

// resync takes the producers' positions from the log.
func (h *history) resync() {
	h.next, h.open, h.sent = map[int64]int32{}, map[int64]bool{}, map[int64]record.Batch{}
	for _, p := range h.log.Producers(time.UnixMilli(t0)) {
		h.next[p.ProducerID] = p.LastSequence + 1
		h.open[p.ProducerID] = p.TxnStartOffset >= 0
	}
}

func offsetOf(s string) (offset int64) {
	fmt.Sscanf(s, "%d=", &offset)
	return offset
}

func (h *history) deleteRecords() {
	start, end := h.log.StartOffset(), h.log.EndOffset()
	before := start + h.rng.Int64N((end-start)/4+1)
	if err := h.log.DeleteRecords(before); err != nil {
		h.t.Fatal(err)
	}
	h.trim()
}

func (h *history) trim() {
	start := h.log.StartOffset()
	h.model = slices.DeleteFunc(h.model, func(s string) bool { return offsetOf(s) < start })
}

func (h *history) retention() {
	h.log.SetHighWatermark(h.log.EndOffset())
	cfg := h.cfg
	cfg.RetentionBytes = h.log.Size() - h.rng.Int64N(3000)
	h.log.SetConfig(cfg)
	h.store.retain(time.UnixMilli(t0))
	h.log.SetConfig(h.cfg)
	h.trim()
}

func (h *history) checkpoint() {
	d := h.log.directory
	d.mu.Lock()
	d.rotate = true
	d.mu.Unlock()
	signal(d.wake)
}

func (h *history) check() {
	if got := fmt.Sprint(readAll(h.t, h.log.Log, h.log.StartOffset())); got != fmt.Sprint(h.model) {
		h.t.Fatalf("read %s", difference(strings.ReplaceAll(got, " ", "\n"), strings.ReplaceAll(fmt.Sprint(h.model), " ", "\n")))
	}
}

// settle waits until all that happened is durable.
func (h *history) settle() {
	a := h.append(batchOf(t0, "settled"), "settled")
	if err := h.log.await(a.LastOffset); err != nil {
		h.t.Fatal(err)
	}
	h.log.SetHighWatermark(h.log.EndOffset())
	h.check()
}

// answers asks the log everything it can be asked.
func (h *history) answers() string {
	l := h.log
	out := []string{fmt.Sprint("start ", l.StartOffset(), " end ", l.EndOffset(), " durable ", l.DurableEnd(), " unclean ", l.Unclean())}
	out = append(out, readAll(h.t, l.Log, l.StartOffset())...)
	out = append(out, fmt.Sprint("epochs ", *l.lineage.Load()))
	for e := range h.epoch + 2 {
		epoch, end := l.EndOffsetForEpoch(e)
		out = append(out, fmt.Sprint("epoch ", e, ": ", epoch, " ", end))
	}
	for _, p := range l.Producers(time.UnixMilli(t0)) {
		st := l.state.byID[p.ProducerID]
		out = append(out, fmt.Sprintf("%+v %v", p, st.batches[:st.kept]))
	}
	unstable, ok := l.FirstUnstableOffset()
	out = append(out, fmt.Sprint("unstable ", unstable, ok))
	aborted, err := l.AbortedTxns(l.StartOffset(), l.EndOffset())
	out = append(out, fmt.Sprint("aborted ", aborted, err))
	for _, ts := range []int64{0, t0 - 100, t0 + 50, t0 + 333, t0 + 1000, t0 + 1777, math.MaxInt64} {
		at, ok, err := l.OffsetForTime(ts, l.EndOffset())
		out = append(out, fmt.Sprint("time ", ts-t0, " ", at, ok, err))
	}
	top, ok, err := l.MaxTimestamp(l.EndOffset())
	out = append(out, fmt.Sprint("max ", top, ok, err))
	return strings.Join(out, "\n")
}

func (h *history) reopen(fsys vfs.FS, dir string) {
	h.store = openStore(h.t, testConfig(fsys, dir))
	l := h.store.Log(historyPartition)
	if l == nil {
		h.t.Fatal("the log is gone")
	}
	l.SetConfig(h.cfg)
	h.log = watch(h.t, l)
}

func newHistory(t *testing.T, seed uint64, fsys vfs.FS, dir string, stop func(*history)) *history {
	cfg := DefaultLogConfig()
	cfg.SegmentBytes, cfg.IndexIntervalBytes, cfg.FileDeleteDelay = 3000, 300, 0
	h := &history{t: t, rng: rand.New(rand.NewPCG(seed, 1)), cfg: cfg, stop: stop, next: map[int64]int32{}, open: map[int64]bool{}, sent: map[int64]record.Batch{}}
	h.store = openStore(t, testConfig(fsys, dir))
	h.log = h.store.create(historyPartition, cfg)
	return h
}

func TestARandomHistoryHasTheSameAnswersInMemoryOnDiskAndAfterStops(t *testing.T) {
	seeds, steps := uint64(14), 150
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			want := newHistory(t, seed, vfs.NewMem(), "/data", func(*history) {}).play(steps)

			onDisk, dir := vfs.OS, t.TempDir()
			if seed%8 != 0 { // syncs of a real disk are slow
				onDisk, dir = vfs.NewMem(), "/data"
			}
			got := newHistory(t, seed, onDisk, dir, func(h *history) {
				if err := h.store.stop(); err != nil {
					h.t.Fatal(err)
				}
				h.reopen(onDisk, dir)
			}).play(steps)
			if got != want {
				t.Fatalf("with restarts, and in memory: %s", difference(got, want))
			}

			disk := vfs.NewMem()
			crashes := uint64(0)
			got = newHistory(t, seed, disk, "/data", func(h *history) {
				crashes++
				keep := vfs.Keep(crashes % 5)
				after := disk.CrashClone(vfs.Crash{Seed: crashes, Data: keep, Names: keep})
				_ = h.store.stop()
				disk = after
				h.reopen(disk, "/data")
			}).play(steps)
			if got != want {
				t.Fatalf("with crashes, and in memory: %s", difference(got, want))
			}
		})
	}
}

func TestErrorsAreTyped(t *testing.T) {
	s := openStore(t, testConfig(vfs.NewMem()))
	l := s.create(Partition{"t", 0}, DefaultLogConfig())
	l.append(batchOf(t0, "a", "b"), client())
	for _, offset := range []int64{-1, 3} {
		if _, err := l.Read(offset, 10, 100, true); !errors.Is(err, ErrOffsetOutOfRange) {
			t.Errorf("read at %d: %v", offset, err)
		}
	}
	if err := l.DeleteRecords(5); !errors.Is(err, ErrOffsetOutOfRange) {
		t.Errorf("delete records: %v", err)
	}
	if _, err := s.Create(Partition{"t", 0}, uuid{9}, DefaultLogConfig()); !errors.Is(err, ErrTopicID) {
		t.Errorf("create: %v", err)
	}
	if err := s.Delete(Partition{"t", 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(batchOf(t0, "c"), client()); !errors.Is(err, ErrDeleted) {
		t.Errorf("append: %v", err)
	}
	if _, err := l.Read(0, 10, 100, true); !errors.Is(err, ErrDeleted) {
		t.Errorf("read: %v", err)
	}
	again := s.create(Partition{"t", 0}, DefaultLogConfig())
	if a := again.append(batchOf(t0, "d"), client()); a.BaseOffset != 0 {
		t.Errorf("the log that was made again begins at %d", a.BaseOffset)
	}
}
