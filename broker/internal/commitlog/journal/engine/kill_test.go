package engine_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal/engine"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// The test binary is its own victim: with this variable set it commits groups until it is killed.
const victimEnv = "MAINSTEM_JOURNAL_VICTIM" // "engine io size dir"

const victimGroup = 64

func TestMain(m *testing.M) {
	if spec := os.Getenv(victimEnv); spec != "" {
		fmt.Fprintln(os.Stderr, victim(spec))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// victim replays the journal, then commits on, and prints the number of records after each commit.
func victim(spec string) error {
	f := strings.SplitN(spec, " ", 4)
	size, _ := strconv.Atoi(f[2])
	j, err := engine.Open(f[0], vfs.OS, f[3], journal.Options{IO: journal.IO(f[1]), FileBytes: 4 << 20})
	if err != nil {
		return err
	}
	n := 0
	if err := j.Replay(0, func(_ journal.Gen, rec journal.Record) error { n = int(rec.BaseOffset) + 1; return nil }); err != nil {
		return err
	}
	fmt.Println(n)
	group := make([]journal.Record, victimGroup)
	for {
		for i := range group {
			group[i] = numbered(n+i, size)
		}
		pos, err := j.Commit(group)
		if err != nil {
			return err
		}
		n += len(group)
		fmt.Println(n)
		if pos.Full {
			if _, err := j.Rotate(); err != nil {
				return err
			}
			if pos.Gen > 4 {
				if err := j.Release(pos.Gen - 4); err != nil {
					return err
				}
			}
		}
	}
}

func TestKilledInACommit(t *testing.T) {
	cycles := 20 // of each of three: the 60 of the fault table
	if slow > 1 || testing.Short() {
		cycles = 3
	}
	for _, v := range variants {
		if v.memory {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			rng := seeded(t)
			for _, size := range []int{1000, 16 << 10} {
				dir := t.TempDir() + "/journal"
				acked := 0
				for cycle := range cycles / 2 {
					spec := fmt.Sprintf("%s %s %d %s", v.engine, v.options.IO, size, dir)
					end, err := runVictim(spec, time.Duration(2+rng.IntN(60))*time.Millisecond, func() {})
					if err != nil || end.said != "" {
						t.Fatalf("cycle %d: %v%s", cycle, err, end.said)
					}
					acked = max(acked, end.printed)
					acked = wantAcked(t, v, dir, size, acked)
				}
				t.Logf("%d records of %d bytes", acked, size)
			}
		})
	}
}

// victimEnd is how a victim ended.
type victimEnd struct {
	before  int    // the last number it had printed when its end began
	printed int    // the last number it printed at all
	said    string // about errors
}

// runVictim runs a victim for a while after its start, calls end, and kills it.
func runVictim(spec string, life time.Duration, end func()) (victimEnd, error) {
	exe, err := os.Executable()
	if err != nil {
		return victimEnd{}, err
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), victimEnv+"="+spec)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return victimEnd{}, err
	}
	if err := cmd.Start(); err != nil {
		return victimEnd{}, err
	}
	var timer *time.Timer
	var printed, before atomic.Int64
	ended := make(chan struct{})
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil { // a last line without its end does not count
			break
		}
		n, err := strconv.Atoi(strings.TrimSpace(line))
		if err != nil {
			return victimEnd{}, err
		}
		printed.Store(int64(n))
		if timer == nil {
			timer = time.AfterFunc(life, func() {
				defer close(ended)
				before.Store(printed.Load())
				end()
				_ = cmd.Process.Kill()
			})
		}
	}
	_ = cmd.Wait() // it was killed, or said why not
	if timer != nil && !timer.Stop() {
		<-ended
	}
	return victimEnd{int(before.Load()), int(printed.Load()), stderr.String()}, nil
}

// wantAcked opens the journal and checks that it ends with whole groups, none acknowledged missing. It
// answers how many records there are.
func wantAcked(t *testing.T, v variant, dir string, size, acked int) int {
	t.Helper()
	j, err := engine.Open(v.engine, vfs.OS, dir, journal.Options{IO: v.options.IO, FileBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	next := -1
	err = j.Replay(0, func(_ journal.Gen, rec journal.Record) error {
		n := int(rec.BaseOffset)
		if next >= 0 && n != next || !same(rec, numbered(n, size)) {
			return fmt.Errorf("record %d is wrong, or not %d", n, next)
		}
		next = n + 1
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if next = max(next, 0); next < acked || next%victimGroup != 0 {
		t.Fatalf("%d records, %d were acknowledged", next, acked)
	}
	return next
}
