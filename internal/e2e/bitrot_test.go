package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// rotten is a class of files and what damage in one of them may do.
type rotten struct {
	class    string
	match    func(path string) bool
	refuse   bool // the broker may refuse to start, or a partition to be read
	believed bool // what it says cannot be doubted: a log may start higher
	killed   bool // only in a directory whose broker was killed: after a clean stop nobody reads it
}

// refusals are what a partition may answer whose records are damaged.
var refusals = []error{kerr.KafkaStorageError, kerr.CorruptMessage, kerr.LeaderNotAvailable}

func suffix(s string) func(string) bool {
	return func(p string) bool { return strings.HasSuffix(p, s) }
}
func named(s string) func(string) bool { return func(p string) bool { return filepath.Base(p) == s } }
func in(s string) func(string) bool    { return func(p string) bool { return strings.Contains(p, s+"/") } }

// rot is what a disk may do to each of the files. Only what holds records, or says which records there are, may stop anything.
var rot = []rotten{
	{class: "segment", match: func(p string) bool { return strings.HasSuffix(p, ".log") && !strings.Contains(p, "__cluster_metadata") }, refuse: true},
	{class: "index", match: suffix(".index")},
	{class: "timeindex", match: suffix(".timeindex")},
	{class: "snapshot", match: suffix(".snapshot")},
	{class: "recovery points", match: named("recovery-point-offset-checkpoint"), refuse: true}, // a higher one looks as a lost end
	{class: "log starts", match: named("log-start-offset-checkpoint"), believed: true},         // Kafka's file has no checksum
	{class: "high watermarks", match: named("replication-offset-checkpoint")},
	{class: "leader epochs", match: named("leader-epoch-checkpoint")},
	{class: "partition.metadata", match: named("partition.metadata"), refuse: true},
	{class: "journal", match: in("journal"), refuse: true, killed: true},
	{class: "journal-state", match: named("journal-state"), refuse: true, killed: true},
	{class: "metadata log", match: in("__cluster_metadata-0"), refuse: true},
	{class: "meta.properties", match: named("meta.properties"), refuse: true},
}

// TestBitRot changes one place of one file of a stopped broker, and starts it (P5): wrong bytes are never served, nothing
// acknowledged is missing without anybody saying so, and what can be made again is made again.
func TestBitRot(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	began, seed := time.Now(), Seed(t)
	random := Random(seed, 1)
	healthy := []*specimen{newSpecimen(t, seed, true), newSpecimen(t, seed+1, false)}
	outcomes := map[string]int{}
	flips := Times(t, "E2E_FLIPS", 50, 50)
	for n := range flips {
		r := rot[n%len(rot)]
		from := healthy[0]
		if !r.killed {
			from = healthy[n/len(rot)%2]
		}
		t.Run(fmt.Sprintf("%d %s", n, r.class), func(t *testing.T) {
			outcomes[r.class+": "+from.suffer(t, r, random)]++
		})
	}
	for _, o := range slices.Sorted(maps.Keys(outcomes)) {
		t.Logf("%3d  %s", outcomes[o], o)
	}
	Note(t, began, "%d places changed, seed %d", flips, seed)
}

// specimen is the data directory of a broker that has ended, and what was acknowledged.
type specimen struct {
	dir    string
	killed bool
	load   *Load
}

// logStart is where single-0 begins, once records were deleted. The other partitions begin at 0.
const logStart = 100

func newSpecimen(t *testing.T, seed uint64, killed bool) *specimen {
	t.Helper()
	s := StartServer(t, Options{Settings: small(nil)})
	CreateTopics(t, s.Addr(), append(mixedTopics, Topic{Name: "last", Partitions: 1})...)
	load := StartLoad(t, LoadConfig{Address: s.Addr(), Topics: mixedTopics, Producers: 4, MaxSize: 20_000, Seed: seed})
	load.Await(t, 6000, 30*time.Second)
	load.Stop(t, 10*time.Second)
	// The last group of a journal may be torn, and a torn one is cut without a word: it holds a record that nobody asks for.
	last := NewClient(t, s.Addr()).ProduceSync(t.Context(), &kgo.Record{Topic: "last", Value: []byte("nobody asks for this")})
	if err := last.FirstErr(); err != nil {
		t.Fatal(err)
	}
	if _, err := kadm.NewClient(NewClient(t, s.Addr())).DeleteRecords(t.Context(), kadm.Offsets{"single": {0: {Topic: "single", At: logStart}}}); err != nil {
		t.Fatal(err)
	}
	if killed {
		s.Kill()
	} else {
		s.Stop()
	}
	return &specimen{s.Dir(), killed, load}
}

// suffer damages a copy and starts it; the answer says in a word how that went.
func (sp *specimen) suffer(t *testing.T, r rotten, random *rand.Rand) string {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(sp.dir)); err != nil {
		t.Fatal(err)
	}
	where := damage(t, dir, r, random)
	t.Logf("killed %v: %s", sp.killed, where)
	s := NewServer(t, Options{Dir: dir, Settings: small(nil)})
	s.Launch()
	if !s.Ready(20 * time.Second) {
		return sp.refused(t, s, r)
	}
	readings, faults, err := ReadBack(t.Context(), s.Addr(), sp.load.Partitions(), nil, 5*time.Second)
	if err != nil {
		t.Errorf("%s: cannot be asked: %v\n%s", where, err, s.Log())
		return "FAILED"
	}
	broken := map[Partition]bool{}
	for _, f := range faults {
		broken[f.Partition] = true
		if !r.refuse || !slices.ContainsFunc(refusals, func(e error) bool { return errors.Is(f.Err, e) }) {
			t.Errorf("%s: %v: %v\n%s", where, f.Partition, f.Err, s.Log())
		}
	}
	if report := sp.judge(readings, broken, r); len(report.Anomalies) > 0 {
		t.Errorf("%s: %s\n%s", where, report, s.Log())
		return "FAILED"
	}
	if len(faults) > 0 {
		return "a partition refuses"
	}
	return "all is there"
}

// refused checks how a broker refuses to start: with an error and a code for it, not with a panic.
func (sp *specimen) refused(t *testing.T, s *Server, r rotten) string {
	t.Helper()
	code, ended := s.Exit(time.Second)
	if !ended || !r.refuse || code <= 0 || s.Logged("panic:") || s.Logged("goroutine ") || !s.Logged("error: ") {
		t.Errorf("ended %v, with %s; its log:\n%s", ended, s.State(), s.Log())
		return "FAILED"
	}
	return "the broker refuses"
}

// judge compares; of partitions that broke, what was read must be right, and what was not is excused.
func (sp *specimen) judge(readings []Reading, broken map[Partition]bool, r rotten) *Report {
	c := NewChecker(sp.load.History.Sent)
	upTo := map[Partition]int64{}
	for _, read := range readings {
		upTo[read.Partition] = read.HighWatermark
	}
	c.Acknowledged(slices.DeleteFunc(slices.Clone(sp.load.History.Acks(0)), func(a Ack) bool {
		return broken[a.Value.Partition] && a.Offset >= upTo[a.Value.Partition]
	}))
	for _, read := range readings {
		c.Observe(read)
	}
	report := c.Report()
	for _, read := range readings {
		if want := map[string]int64{"single": logStart}[read.Partition.Topic]; read.LogStart > want && !r.believed {
			report.add(Watermark, read.Partition, "the log starts at %d instead of %d", read.LogStart, want)
		}
	}
	return &report
}

// damage changes one place in one file of a class and answers what it did.
func damage(t *testing.T, dir string, r rotten, random *rand.Rand) string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && r.match(path) {
			if info, err := d.Info(); err == nil && info.Size() > 0 {
				files = append(files, path)
			}
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("no file of class %s in %s: %v", r.class, dir, err)
	}
	name := files[random.IntN(len(files))]
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var what string
	at := random.IntN(len(b))
	switch {
	case random.IntN(4) == 0 && r.class != "journal": // a tail that is cut off a journal looks as one that was never written
		b, what = b[:at], fmt.Sprintf("cut %s to %d bytes of %d", name, at, len(b))
	default:
		bit := random.IntN(8)
		b[at] ^= 1 << bit
		what = fmt.Sprintf("flipped bit %d of byte %d of %s, which has %d", bit, at, name, len(b))
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(what, dir+"/", "")
}
