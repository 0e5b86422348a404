package commitlog

import (
	"fmt"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// cutJournal shortens the newest journal file of the disk to half of it.
func cutJournal(t *testing.T, disk *vfs.Mem) {
	t.Helper()
	entries, err := disk.List("/data/journal")
	if err != nil || len(entries) == 0 {
		t.Fatalf("journal: %v, %v", entries, err)
	}
	f, err := disk.Open("/data/journal/"+entries[len(entries)-1].Name(), vfs.ReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size / 2); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestAJournalThatWasCutIsNoticed: the end of the journal looks the same whether a power loss tore it or somebody cut it.
// The high watermark that was written down tells.
func TestAJournalThatWasCutIsNoticed(t *testing.T) {
	for _, written := range []bool{true, false} {
		t.Run(fmt.Sprint("high watermark written: ", written), func(t *testing.T) {
			disk := vfs.NewMem()
			s := openStore(t, testConfig(disk))
			l := s.create(Partition{"t", 0}, DefaultLogConfig())
			for i := range 50 {
				l.append(batchOf(t0, fmt.Sprint(i)), client())
			}
			l.SetHighWatermark(l.EndOffset())
			if written {
				if err := l.directory.writeHighWatermarks(); err != nil {
					t.Fatal(err)
				}
			}
			after := disk.CrashClone(vfs.Crash{Data: vfs.KeepAll, Names: vfs.KeepAll})
			cutJournal(t, after)
			s2 := openStore(t, testConfig(after))
			again := s2.Log(Partition{"t", 0})
			if again.EndOffset() >= 50 {
				t.Fatalf("the journal was not cut: the log ends at %d", again.EndOffset())
			}
			if again.Unclean() != written {
				t.Fatalf("unclean %v, the log ends at %d", again.Unclean(), again.EndOffset())
			}
		})
	}
}

// TestATopicMadeAnewIsNotHeldAgainstTheOld: what is written down of a deleted topic of the same name says nothing.
func TestATopicMadeAnewIsNotHeldAgainstTheOld(t *testing.T) {
	disk := vfs.NewMem()
	s := openStore(t, testConfig(disk))
	p := Partition{"t", 0}
	l := s.create(p, DefaultLogConfig())
	for i := range 50 {
		l.append(batchOf(t0, fmt.Sprint(i)), client())
	}
	l.SetHighWatermark(l.EndOffset())
	if err := l.directory.writeHighWatermarks(); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(p); err != nil {
		t.Fatal(err)
	}
	anew, err := s.Create(p, uuid{9}, DefaultLogConfig())
	if err != nil {
		t.Fatal(err)
	}
	fresh := watch(t, anew)
	fresh.append(batchOf(t0, "new"), client())
	s2 := openStore(t, testConfig(disk.CrashClone(vfs.Crash{})))
	again := s2.Log(p)
	if again == nil || again.EndOffset() != 1 || again.Unclean() {
		t.Fatalf("the topic that was made anew is %+v", again)
	}
}
