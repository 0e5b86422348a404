package commitlog

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// cleanScenario plays a story on one compacted log. Its commands:
//
//	config retain=1h ratio=0.5 minlag=5m maxlag=1h segment=2000 policy=compact,delete retention=1h
//	append [producer=7 seq=0 epoch=0 txn] [codec=zstd] [at=10m]   then a line of key=value; "-" is null
//	marker producer=7 abort|commit [epoch=0]
//	roll                  closes the segment, so that what is in it may be cleaned
//	clean [at=2h] [keys=N]  one round of the cleaner at that time, with room for N keys
//	retain at=2h          one check of retention
//	delete before=5       DeleteRecords
//	restart | crash
//	read                  batches and records
//	state                 segments, aborted transactions, producers
//	due [at=2h]           what the cleaner finds
type cleanScenario struct {
	t     *testing.T
	disk  *vfs.Mem
	store *testStore
	log   *testLog
	cfg   LogConfig
}

func TestCleanScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/clean", func(t *testing.T, path string) {
		s := &cleanScenario{t: t, disk: vfs.NewMem(), cfg: DefaultLogConfig()}
		s.cfg.Delete, s.cfg.Compact, s.cfg.MinCleanableRatio, s.cfg.FileDeleteDelay = false, true, 0, 0
		s.cfg.DeleteRetention, s.cfg.SegmentBytes = time.Hour, 1000
		s.store = openStore(t, testConfig(s.disk))
		s.log = s.store.create(Partition{"t", 0}, s.cfg)
		datadriven.RunTest(t, path, s.run)
	})
}

func (s *cleanScenario) run(t *testing.T, td *datadriven.TestData) string {
	s.t, s.log.t, s.store.t = t, t, t
	args := map[string]string{}
	for _, a := range td.CmdArgs {
		args[a.Key] = strings.Join(a.Vals, ",")
	}
	switch td.Cmd {
	case "config":
		s.configure(args)
	case "append":
		return s.append(args, td.Input)
	case "marker":
		return s.marker(args)
	case "roll":
		s.roll()
	case "clean":
		return s.clean(args)
	case "retain":
		s.store.retain(s.at(args))
	case "delete":
		if err := s.log.DeleteRecords(int64(s.number(args, "before", 0))); err != nil {
			return err.Error()
		}
	case "restart":
		if err := s.store.stop(); err != nil {
			t.Fatal(err)
		}
		s.reopen()
	case "crash":
		s.disk = s.disk.CrashClone(vfs.Crash{})
		s.reopen()
	case "read":
		return s.read()
	case "state":
		return s.state()
	case "due":
		return s.due(args)
	default:
		t.Fatalf("%s: unknown command %s", td.Pos, td.Cmd)
	}
	return ""
}

func (s *cleanScenario) reopen() {
	s.store = openStore(s.t, testConfig(s.disk))
	l := s.store.Log(Partition{"t", 0})
	l.SetConfig(s.cfg)
	s.log = watch(s.t, l)
	s.log.SetHighWatermark(s.log.EndOffset())
}

func (s *cleanScenario) number(args map[string]string, name string, otherwise int) int {
	if args[name] == "" {
		return otherwise
	}
	n, err := strconv.Atoi(args[name])
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *cleanScenario) duration(v string) time.Duration {
	if v == "" {
		return 0
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *cleanScenario) at(args map[string]string) time.Time {
	return time.UnixMilli(t0).Add(s.duration(args["at"]))
}

func (s *cleanScenario) configure(args map[string]string) {
	for name, v := range args {
		switch name {
		case "retain":
			s.cfg.DeleteRetention = s.duration(v)
		case "ratio":
			s.cfg.MinCleanableRatio, _ = strconv.ParseFloat(v, 64)
		case "minlag":
			s.cfg.MinCompactionLag = s.duration(v)
		case "maxlag":
			s.cfg.MaxCompactionLag = s.duration(v)
		case "segment":
			s.cfg.SegmentBytes = int64(s.number(args, name, 0))
		case "retention":
			s.cfg.RetentionAge = s.duration(v)
		case "policy":
			s.cfg.Compact, s.cfg.Delete = strings.Contains(v, "compact"), strings.Contains(v, "delete")
		default:
			s.t.Fatalf("config %s", name)
		}
	}
	s.log.SetConfig(s.cfg)
}

func (s *cleanScenario) append(args map[string]string, input string) string {
	b := record.Builder{}
	b.Codec, _ = record.ParseCodec(args["codec"])
	if args["producer"] != "" {
		b.Producer = record.ProducerStamp{Set: true, ID: int64(s.number(args, "producer", 0)), Epoch: int16(s.number(args, "epoch", 0)), Sequence: int32(s.number(args, "seq", 0))}
	}
	_, b.Transactional = args["txn"]
	for _, kv := range strings.Fields(input) {
		key, value, _ := strings.Cut(kv, "=")
		b.Append(s.at(args).UnixMilli(), orNull(key), orNull(value), nil)
	}
	batch, err := b.Build()
	if err != nil {
		s.t.Fatal(err)
	}
	a := s.log.append(batch, client())
	s.log.SetHighWatermark(s.log.EndOffset())
	return fmt.Sprintf("%d-%d\n", a.BaseOffset, a.LastOffset)
}

func orNull(s string) []byte {
	if s == "-" {
		return nil
	}
	return []byte(s)
}

func (s *cleanScenario) marker(args map[string]string) string {
	m := record.Marker{Type: record.Commit, ProducerID: int64(s.number(args, "producer", 0)), ProducerEpoch: int16(s.number(args, "epoch", 0)), Timestamp: t0}
	if _, ok := args["abort"]; ok {
		m.Type = record.Abort
	}
	a := s.log.append(m.Batch(), AppendParams{Origin: FromCoordinator})
	s.log.SetHighWatermark(s.log.EndOffset())
	return fmt.Sprintf("%d\n", a.BaseOffset)
}

// roll closes the active segment and makes a checkpoint of it.
func (s *cleanScenario) roll() {
	s.log.mu.Lock()
	err := s.log.roll(s.log.EndOffset(), time.UnixMilli(t0))
	s.log.mu.Unlock()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *cleanScenario) clean(args map[string]string) string {
	before := s.store.CleanerStats()
	cfg := CleanerConfig{Threads: 1, DedupeBytes: int64(s.number(args, "keys", 1000)) * slotBytes, LoadFactor: 0.9}
	cfg.BytesPerSecond = 1e12
	if n := s.store.clean(context.Background(), cfg, s.at(args)); n == 0 {
		return "nothing to do\n"
	}
	st := s.store.CleanerStats()
	return fmt.Sprintf("clean to %d: read %d, wrote %d\n", s.log.cleanerPoint, st.Read-before.Read, st.Written-before.Written)
}

func (s *cleanScenario) read() string {
	var out strings.Builder
	for at := s.log.StartOffset(); at < s.log.EndOffset(); {
		c, err := s.log.Read(at, s.log.EndOffset(), 4096, true)
		if err != nil {
			return out.String() + err.Error()
		}
		for rest := c.Bytes; len(rest) > 0; {
			var b record.Batch
			if b, rest, err = record.First(rest); err != nil {
				return out.String() + err.Error()
			}
			out.WriteString(describeBatch(s.t, b) + "\n")
		}
		at = c.NextOffset
		c.Release()
	}
	return out.String()
}

// describeBatch is "[offsets] producer/epoch/sequence horizon: offset key=value ...".
func describeBatch(t *testing.T, b record.Batch) string {
	out := fmt.Sprintf("[%d-%d]", b.BaseOffset(), b.LastOffset())
	if b.ProducerID() != record.NoProducerID {
		out += fmt.Sprintf(" producer %d/%d/%d", b.ProducerID(), b.ProducerEpoch(), b.BaseSequence())
	}
	if b.HasDeleteHorizon() {
		out += " horizon +" + (time.Duration(b.BaseTimestamp()-t0) * time.Millisecond).String()
	}
	out += ":"
	if b.Control() {
		m, err := record.ParseMarker(b)
		if err != nil {
			t.Fatal(err)
		}
		return out + map[record.ControlType]string{record.Commit: " COMMIT", record.Abort: " ABORT"}[m.Type]
	}
	it, err := b.Records(nil)
	if err != nil {
		t.Fatal(err)
	}
	null := func(b []byte) string {
		if b == nil {
			return "-"
		}
		return string(b)
	}
	for it.Next() {
		r := it.Record()
		out += fmt.Sprintf(" %d %s=%s", r.Offset, null(r.Key), null(r.Value))
		if r.Timestamp != t0 {
			out += "@" + (time.Duration(r.Timestamp-t0) * time.Millisecond).String()
		}
	}
	if it.Err() != nil {
		t.Fatal(it.Err())
	}
	return out
}

func (s *cleanScenario) state() string {
	var bases []int64
	for _, seg := range *s.log.segments.Load() {
		bases = append(bases, seg.base)
	}
	out := fmt.Sprintf("offsets %d to %d, segments %v\n", s.log.StartOffset(), s.log.EndOffset(), bases)
	aborted, err := s.log.AbortedTxns(0, s.log.EndOffset())
	if err != nil {
		return err.Error()
	}
	for _, a := range aborted {
		out += fmt.Sprintf("aborted: producer %d from %d to %d, stable %d\n", a.ProducerID, a.FirstOffset, a.LastOffset, a.LastStable)
	}
	for _, p := range s.log.Producers(time.UnixMilli(t0)) {
		out += fmt.Sprintf("producer %d: epoch %d, last sequence %d, open %d\n", p.ProducerID, p.Epoch, p.LastSequence, p.TxnStartOffset)
	}
	return out
}

func (s *cleanScenario) due(args map[string]string) string {
	d, err := s.log.dirtAt(s.at(args))
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("from %d, %d segments, dirty ratio %.2f, forced %v, due %v, after a checkpoint %v\n", d.from, d.limit, d.ratio(), d.forced, d.due(), d.dueOnceSettled())
}
