package commitlog

import (
	"fmt"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

func TestAppendedIsReadBackAfterARestart(t *testing.T) {
	for _, engine := range []string{"ring", "tidwall"} {
		t.Run(engine, func(t *testing.T) {
			cfg := testConfig(vfs.OS, t.TempDir())
			cfg.JournalEngine = engine
			s := openStore(t, cfg)
			l := s.create(Partition{"t", 0}, DefaultLogConfig())
			for i := range 10 {
				if a := l.append(batchOf(t0, fmt.Sprint("v", i)), client()); a.BaseOffset != int64(i) {
					t.Fatalf("base offset %d, want %d", a.BaseOffset, i)
				}
			}
			want := fmt.Sprint(readAll(t, l.Log, 0))
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
			s = openStore(t, cfg)
			again := s.Log(Partition{"t", 0})
			if got := fmt.Sprint(readAll(t, again, 0)); got != want || again.Unclean() || again.DurableEnd() != 10 {
				t.Fatalf("got %s, want %s; unclean %v, durable %d", got, want, again.Unclean(), again.DurableEnd())
			}
		})
	}
}

func TestAcknowledgedSurvivesACrash(t *testing.T) {
	for _, keep := range []vfs.Keep{vfs.KeepNothing, vfs.KeepAll, vfs.KeepTorn, vfs.KeepSectors} {
		t.Run(fmt.Sprint(keep), func(t *testing.T) {
			fsys := vfs.NewMem()
			s := openStore(t, testConfig(fsys))
			l := s.create(Partition{"t", 0}, DefaultLogConfig())
			for i := range 100 {
				l.append(batchOf(t0, fmt.Sprint("v", i)), client())
			}
			want := fmt.Sprint(readAll(t, l.Log, 0))
			crashed := fsys.CrashClone(vfs.Crash{Seed: 7, Data: keep, Names: keep})
			s2 := openStore(t, testConfig(crashed))
			again := s2.Log(Partition{"t", 0})
			if again == nil {
				t.Fatal("the log is gone")
			}
			if got := fmt.Sprint(readAll(t, again, 0)); got != want || again.Unclean() {
				t.Fatalf("got %s, want %s, unclean %v", got, want, again.Unclean())
			}
		})
	}
}
