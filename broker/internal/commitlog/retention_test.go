package commitlog

import (
	"fmt"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// retained makes a log of one segment a batch, ten minutes apart, and answers the first offset after a check at now.
func retained(t *testing.T, change func(*LogConfig), hw int64, now time.Time) (start int64, l *testLog, s *testStore) {
	t.Helper()
	cfg := DefaultLogConfig()
	cfg.SegmentBytes, cfg.RetentionAge, cfg.FileDeleteDelay = 100, time.Hour, 0
	change(&cfg)
	s = openStore(t, testConfig(vfs.NewMem()))
	l = s.create(Partition{"t", 0}, cfg)
	for i := range 10 {
		l.append(batchOf(t0+int64(i)*600_000, fmt.Sprint("v", i)), client())
	}
	l.SetHighWatermark(hw)
	s.retain(now)
	return l.StartOffset(), l, s
}

func at(minutes int) time.Time { return time.UnixMilli(t0).Add(time.Duration(minutes) * time.Minute) }

func TestRetention(t *testing.T) {
	none := func(*LogConfig) {}
	tests := []struct {
		name   string
		change func(*LogConfig)
		hw     int64
		now    time.Time
		want   int64
	}{
		{"nothing is old enough", none, 10, at(60), 0},
		{"what is older than the hour goes", none, 10, at(61), 1},
		{"half of it", none, 10, at(111), 6},
		{"the active segment goes too", none, 10, at(1000), 10},
		{"never beyond the high watermark", none, 4, at(1000), 4},
		{"no limit by time", func(c *LogConfig) { c.RetentionAge = -1 }, 10, at(1_000_000), 0},
		{"by size", func(c *LogConfig) { c.RetentionBytes = 4 * 70 }, 10, at(0), 6},
		{"size leaves at least its limit", func(c *LogConfig) { c.RetentionBytes = 4*70 - 1 }, 10, at(0), 6},
		{"size is not exceeded by a whole segment", func(c *LogConfig) { c.RetentionBytes = 9*70 + 1 }, 10, at(0), 0},
		{"compaction alone deletes nothing", func(c *LogConfig) { c.Delete, c.Compact = false, true }, 10, at(1000), 0},
		{"a clock before all records", none, 10, at(-1000), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start, l, _ := retained(t, tt.change, tt.hw, tt.now)
			if n := l.Size() / (l.EndOffset() - max(start, 0) + 1); tt.name == "by size" && n == 0 {
				t.Fatal("no size")
			}
			if start != tt.want || l.EndOffset() != 10 {
				t.Fatalf("start %d, want %d; end %d; %d bytes", start, tt.want, l.EndOffset(), l.Size())
			}
			if got := readAll(t, l.Log, start); int64(len(got)) != 10-start {
				t.Fatalf("left are %v", got)
			}
			l.append(batchOf(t0, "goes on"), client())
		})
	}
}

// TestAClockThatJumps is P12: a jump of an hour that is taken back deletes nothing, a frozen clock neither; a clock that
// stays where it jumped to is believed by the next check.
func TestAClockThatJumps(t *testing.T) {
	const interval = 5 * time.Minute
	var c saneClock
	now, jumped := c.at(at(0), interval)
	if now != at(0) || jumped {
		t.Fatalf("the first check goes by %v", now)
	}
	if now, jumped = c.at(at(5), interval); now != at(5) || jumped {
		t.Fatalf("a steady clock: %v %v", now, jumped)
	}
	if now, jumped = c.at(at(70), interval); now != at(10) || !jumped {
		t.Fatalf("an hour ahead: %v %v", now, jumped)
	}
	if now, jumped = c.at(at(15), interval); now != at(15) || jumped {
		t.Fatalf("taken back: %v %v", now, jumped)
	}
	if now, _ = c.at(at(15), interval); now != at(15) {
		t.Fatalf("frozen: %v", now)
	}
	if now, _ = c.at(at(15).Add(-time.Second), interval); now != at(15).Add(-time.Second) {
		t.Fatalf("a second back: %v", now)
	}
	_, _ = c.at(at(80), interval)
	if now, jumped = c.at(at(85), interval); now != at(85) || jumped {
		t.Fatalf("a jump that stays: %v %v", now, jumped)
	}
}

func TestDeletedRecordsStayDeletedAfterACrash(t *testing.T) {
	disk := vfs.NewMem()
	s := openStore(t, testConfig(disk))
	cfg := DefaultLogConfig()
	cfg.SegmentBytes = 200
	l := s.create(Partition{"t", 0}, cfg)
	for i := range 10 {
		l.append(batchOf(t0, fmt.Sprint(i)), client())
	}
	if err := l.DeleteRecords(7); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, testConfig(disk.CrashClone(vfs.Crash{})))
	again := s.Log(Partition{"t", 0})
	if again.StartOffset() != 7 || fmt.Sprint(readAll(t, again, 7)) != "[7=7 8=8 9=9]" {
		t.Fatalf("start %d: %v", again.StartOffset(), readAll(t, again, again.StartOffset()))
	}
}
