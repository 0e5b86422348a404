package streams_test

import (
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/streams"
	"github.com/mainstem-io/mainstem/streams/processor"
	"github.com/mainstem-io/mainstem/streams/streamstest"
)

// vector is one case.
type vector struct {
	ID, Description string
	Config          struct {
		Optimization string
		MaxTaskIdle  *int64 `json:"max_task_idle_ms"`
		WallClock    int64  `json:"initial_wall_clock_ms"`
		Deserialize  string `json:"deserialization_errors"`
		Process      string `json:"processing_errors"`
		DeadLetter   string `json:"dlq_topic"`
		Throttle     int64  `json:"emit_interval_ms"`
	}
	Topology []op
	Steps    []step
	result
	Error *struct {
		Phase string
		Step  int
	}
	InMemory  *result `json:"in_memory"`
	JVMDefect string  `json:"jvm_defect"`
	Edge      string
}

type result struct {
	Outputs  []outRecord
	Internal []internalRecord
	Observed []observation
	Stores   map[string]storeRows
	Dropped  *int64 `json:"dropped_records"`
}

type step struct {
	Topic   string
	Key     json.RawMessage
	Value   json.RawMessage
	Ts      int64
	Headers [][]*string
	Advance *int64 `json:"advance_wall_clock_ms"`
}

type outRecord struct {
	Step       int
	Topic      string
	Key, Value json.RawMessage
	KeyHex     *string `json:"key_hex"`
	ValueHex   *string `json:"value_hex"`
	Ts         int64
	Headers    [][]*string
}

type internalRecord struct {
	Step     int
	Topic    string
	KeyHex   *string `json:"key_hex"`
	ValueHex *string `json:"value_hex"`
	Ts       *int64
	Headers  [][]*string
}

type observation struct {
	Step       int
	Op         string
	Key, Value json.RawMessage
}

type storeRows struct {
	Kind string
	Rows []struct {
		Key, Value json.RawMessage
		Ts         *int64
		Start, End int64
		ValidTo    *int64 `json:"valid_to"`
	}
}

// exceptions are the marks of cases where the original is known to be wrong; ours follow the documented rule and have tests of
// their own (streams.md 22.4). A case with such a mark need not be equal.
var exceptions = map[string]string{
	"KAFKA-19536/KAFKA-16123": "X1", "OUTER-SCAN-DELAY": "X2", "EMIT-FINAL-RETENTION": "X8", "GRACE-NULL-KEY": "X9",
	"SLIDING-ZERO": "X10", "OPTIMISED-DIFFERS": "X11",
	"timestamps.idle.ties": "X3",
}

func vectors(t *testing.T) map[string][]vector {
	dir := os.Getenv("CONFORMANCE_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "conformance")
	}
	dir = filepath.Join(dir, "streams")
	plain, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	zipped, _ := filepath.Glob(filepath.Join(dir, "*.jsonl.gz"))
	if len(plain) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("no vectors in %s: set CONFORMANCE_DIR", dir)
		}
		t.Skipf("SKIPPED: no vectors in %s (CONFORMANCE_DIR); nothing was compared with Kafka Streams", dir)
	}
	out := map[string][]vector{}
	for _, f := range plain {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Cases []vector }
		if err := json.Unmarshal(b, &file); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out[filepath.Base(f)] = file.Cases
	}
	for _, f := range zipped {
		out[filepath.Base(f)] = unzip(t, f)
	}
	return out
}

func unzip(t *testing.T, file string) (cases []vector) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(z); ; {
		var v vector
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return cases
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		cases = append(cases, v)
	}
}

// TestConformance runs every case of the vectors that Kafka Streams 4.3.1 printed.
func TestConformance(t *testing.T) {
	t.Parallel()
	for file, cases := range vectors(t) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			passed, excepted := 0, 0
			for _, v := range cases {
				diff := check(v)
				switch {
				case diff == "":
					passed++
				case exceptions[v.JVMDefect] != "", exceptions[v.ID] != "", v.Config.Throttle > 0: // X4: we never throttle
					excepted++
				default:
					t.Errorf("%s: %s\n%s", v.ID, v.Description, diff)
				}
			}
			t.Logf("%d of %d cases equal, %d follow our documented answer", passed, len(cases), excepted)
		})
	}
}

// check runs a case and says what differs.
func check(v vector) string {
	want := []result{v.result}
	if v.InMemory != nil {
		want = append(want, v.overlay())
	}
	got := perform(v)
	if got.excluded != "" {
		return ""
	}
	var first string
	for i, w := range want {
		diff := got.compare(v, w)
		if diff == "" {
			return ""
		}
		if i == 0 {
			first = diff
		}
	}
	return first
}

// overlay is the result with the fields that the JVM's in-memory stores answered differently.
func (v vector) overlay() result {
	r, m := v.result, v.InMemory
	if m.Outputs != nil {
		r.Outputs = m.Outputs
	}
	if m.Stores != nil {
		r.Stores = m.Stores
	}
	if m.Dropped != nil {
		r.Dropped = m.Dropped
	}
	if m.Internal != nil {
		r.Internal = m.Internal
	}
	return r
}

// performed is what a case did here.
type performed struct {
	lab      *lab
	excluded string
	phase    string
	failed   int
	err      error
	lines    map[int]map[string][]string // outputs by step and topic
	raw      map[int]map[string][]string // internal topics
	observed []string
	d        *streamstest.Driver
}

func perform(v vector) (p *performed) {
	p = &performed{lab: newLab(), failed: -1, lines: map[int]map[string][]string{}, raw: map[int]map[string][]string{}}
	topo, err := p.build(v)
	if err != nil || p.excluded != "" {
		p.phase, p.err = "build", err
		return p
	}
	at := -1
	p.lab.observed = func(id string, k, v val) {
		p.observed = append(p.observed, fmt.Sprintf("%d %s %s %s", at, id, text(k), text(v)))
	}
	if p.d, err = streamstest.Try(topo, options(v)...); err != nil {
		p.phase, p.err = "start", err
		return p
	}
	seen := map[string]int{}
	p.collect(-1, seen)
	for i, s := range v.Steps {
		at = i
		if err := p.step(s); err != nil {
			p.phase, p.err, p.failed = "step", err, i
		}
		p.collect(i, seen)
		if p.err != nil {
			break
		}
	}
	return p
}

func (p *performed) build(v vector) (topo *streams.Topology, err error) {
	defer func() {
		if x, ok := recover().(excluded); ok {
			p.excluded = string(x)
		}
	}()
	for _, o := range v.Topology {
		p.lab.build(o)
	}
	var opts []streams.BuildOption
	if v.Config.Optimization == "all" {
		opts = append(opts, streams.Optimise())
	}
	return p.lab.b.Build(opts...)
}

func options(v vector) []streamstest.Option {
	c := streams.Config{DeadLetter: v.Config.DeadLetter}
	if v.Config.MaxTaskIdle != nil {
		c.MaxTaskIdle = millis(*v.Config.MaxTaskIdle)
	}
	c.OnError = func(e streams.ErrorContext, _ error) streams.Decision {
		if e.Stage == processor.Deserialize && v.Config.Deserialize == "continue" || e.Stage != processor.Deserialize && v.Config.Process == "continue" {
			return streams.Decision{Action: processor.Skip}
		}
		return streams.Decision{}
	}
	return []streamstest.Option{streamstest.Config(c), streamstest.StartAt(time.UnixMilli(v.Config.WallClock))}
}

func headersOf(hs [][]*string) (out []streams.Header) {
	for _, h := range hs {
		x := streams.Header{Key: *h[0]}
		if h[1] != nil {
			x.Value = []byte(*h[1])
		}
		out = append(out, x)
	}
	return out
}

func (p *performed) step(s step) error {
	if s.Advance != nil {
		return p.d.TryAdvance(millis(*s.Advance))
	}
	types, ok := p.lab.types["<"+s.Topic]
	if !ok {
		types = p.lab.types["<"]
	}
	k, err := encode(s.Key, types[0])
	if err != nil {
		panic(err)
	}
	v, err := encode(s.Value, types[1])
	if err != nil {
		panic(err)
	}
	return p.d.SendRaw(s.Topic, k, v, s.Ts, headersOf(s.Headers)...)
}

func (p *performed) typesOf(topic string) [2]typ {
	for _, d := range p.lab.dynamic {
		if strings.HasPrefix(topic, d.prefix) {
			return [2]typ{d.k, d.v}
		}
	}
	if t, ok := p.lab.types[topic]; ok {
		return t
	}
	return [2]typ{simple("bytes"), simple("bytes")}
}

func (p *performed) collect(at int, seen map[string]int) {
	for _, topic := range p.d.Topics() {
		all := p.d.Raw(topic)
		for _, r := range all[seen[topic]:] {
			if name, internal := strings.CutPrefix(topic, streamstest.App+"-"); internal {
				put(p.raw, at, name, fmt.Sprintf("%s %s @%d %s", hexOf(r.Key), hexOf(r.Value), r.Time, showHeaders(r.Headers)))
				continue
			}
			ts := p.typesOf(topic)
			put(p.lines, at, topic, fmt.Sprintf("%s = %s @%d %s", show(r.Key, ts[0]), show(r.Value, ts[1]), r.Time, showHeaders(r.Headers)))
		}
		seen[topic] = len(all)
	}
}

func put(m map[int]map[string][]string, at int, topic, line string) {
	if m[at] == nil {
		m[at] = map[string][]string{}
	}
	m[at][topic] = append(m[at][topic], line)
}

func hexOf(b []byte) string {
	if b == nil {
		return "null"
	}
	return hex.EncodeToString(b) + "."
}

func showHeaders(hs []streams.Header) string {
	var out []string
	for _, h := range hs {
		v := "null"
		switch {
		case strings.HasPrefix(h.Key, "__streams.errors.") && !slices.Contains([]string{"topic", "partition", "offset"}, strings.TrimPrefix(h.Key, "__streams.errors.")):
			v = "*" // the JVM's classes and messages
		case h.Value != nil:
			v = string(h.Value)
		}
		out = append(out, h.Key+"="+v)
	}
	return strings.Join(out, ",")
}

// compare says what differs from a result.
func (p *performed) compare(v vector, w result) string {
	switch {
	case v.Error == nil && p.err != nil:
		return fmt.Sprintf("  failed in %s %d: %v", p.phase, p.failed, p.err)
	case v.Error != nil && p.err == nil:
		return fmt.Sprintf("  did not fail in %s %d", v.Error.Phase, v.Error.Step)
	case v.Error != nil && (v.Error.Phase != p.phase || v.Error.Phase == "step" && v.Error.Step != p.failed):
		return fmt.Sprintf("  failed in %s %d, want %s %d: %v", p.phase, p.failed, v.Error.Phase, v.Error.Step, p.err)
	case v.Error != nil && v.Error.Phase != "step":
		return ""
	}
	var diffs []string
	want := map[int]map[string][]string{}
	for _, o := range w.Outputs {
		put(want, o.Step, o.Topic, p.outLine(o))
	}
	if p.failed >= 0 { // outputs before the failure are listed
		delete(p.lines, p.failed)
		delete(p.raw, p.failed)
	}
	diffs = append(diffs, diffSteps("outputs", want, p.lines)...)
	diffs = append(diffs, p.compareInternal(w)...)
	if v.Error == nil {
		diffs = append(diffs, p.compareStores(w)...)
		if w.Dropped != nil && *w.Dropped != p.d.Dropped() {
			diffs = append(diffs, fmt.Sprintf("  dropped %d, want %d", p.d.Dropped(), *w.Dropped))
		}
	}
	var obs []string
	for _, o := range w.Observed {
		obs = append(obs, fmt.Sprintf("%d %s %s %s", o.Step, o.Op, plain(o.Key), plain(o.Value)))
	}
	if !slices.Equal(obs, p.observed) {
		diffs = append(diffs, fmt.Sprintf("  observed %q, want %q", p.observed, obs))
	}
	return strings.Join(diffs, "\n")
}

func plain(raw json.RawMessage) string { return strings.Trim(string(raw), `"`) }

func (p *performed) outLine(o outRecord) string {
	ts := p.typesOf(o.Topic)
	k, v := showJSON(o.Key, ts[0]), showJSON(o.Value, ts[1])
	if ts[0].kind == "bytes" {
		k, v = orNull(o.KeyHex), orNull(o.ValueHex)
	}
	return fmt.Sprintf("%s = %s @%d %s", k, v, o.Ts, showHeaders(headersOf(o.Headers)))
}

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func diffSteps(what string, want, got map[int]map[string][]string) (diffs []string) {
	var steps []int
	for i := range want {
		steps = append(steps, i)
	}
	for i := range got {
		if want[i] == nil {
			steps = append(steps, i)
		}
	}
	sort.Ints(steps)
	for _, i := range steps {
		topics := map[string]bool{}
		for t := range want[i] {
			topics[t] = true
		}
		for t := range got[i] {
			topics[t] = true
		}
		for t := range topics {
			if !slices.Equal(want[i][t], got[i][t]) {
				diffs = append(diffs, fmt.Sprintf("  %s: step %d, topic %s:\n    got  %q\n    want %q", what, i, t, got[i][t], want[i][t]))
			}
		}
	}
	return diffs
}

// compareInternal compares the changelogs of stores that the case names: key-value, window and session stores.
func (p *performed) compareInternal(w result) []string {
	want, got := map[int]map[string][]string{}, map[int]map[string][]string{}
	named := func(topic string) bool {
		name, ok := strings.CutSuffix(topic, "-changelog")
		if !ok {
			return false
		}
		_, there := w.Stores[name]
		return there && !strings.HasSuffix(name, "-join-store")
	}
	for _, r := range w.Internal {
		if named(r.Topic) {
			ts := int64(-1)
			if r.Ts != nil {
				ts = *r.Ts
			}
			put(want, r.Step, r.Topic, fmt.Sprintf("%s %s @%d %s", dotted(r.KeyHex), dotted(r.ValueHex), ts, showHeaders(headersOf(r.Headers))))
		}
	}
	if w.Internal == nil {
		return nil
	}
	for i, topics := range p.raw {
		for t, lines := range topics {
			if named(t) {
				for _, l := range lines {
					put(got, i, t, l)
				}
			}
		}
	}
	return diffSteps("changelog", want, got)
}

func dotted(s *string) string {
	if s == nil {
		return "null"
	}
	return *s + "."
}

func (p *performed) compareStores(w result) (diffs []string) {
	for name, st := range w.Stores {
		types, ok := p.lab.types[name]
		if strings.HasSuffix(name, "-join-store") || !ok {
			types = p.joinTypes(name)
		}
		inner := types[0]
		if inner.inner != nil && st.Kind != "kv" {
			inner = *inner.inner
		}
		var want, got []string
		for _, r := range st.Rows {
			line := fmt.Sprintf("%s = %s", showJSON(r.Key, inner), showJSON(r.Value, types[1]))
			if r.Ts != nil {
				line += fmt.Sprintf(" @%d", *r.Ts)
			}
			if st.Kind == "window" || st.Kind == "session" {
				line += fmt.Sprintf(" [%d", r.Start)
			}
			if st.Kind == "session" {
				line += fmt.Sprintf(",%d", r.End)
			}
			if r.ValidTo != nil {
				line += fmt.Sprintf(" until %d", *r.ValidTo)
			}
			want = append(want, line)
		}
		for _, r := range p.d.StoreRows(name) {
			key := show(r.Key, inner)
			if inner.kind == "windowed" { // a row's key comes without its bytes
				key, _, _ = strings.Cut(key, "]")
				key += "]"
			}
			line := fmt.Sprintf("%s = %s", key, show(r.Value, types[1]))
			if r.Timed {
				line += fmt.Sprintf(" @%d", r.Time)
			}
			if r.Kind == "window" || r.Kind == "session" {
				line += fmt.Sprintf(" [%d", r.Start)
			}
			if r.Kind == "session" {
				line += fmt.Sprintf(",%d", r.End)
			}
			if r.Kind == "versioned" && r.ValidTo != math.MaxInt64 {
				line += fmt.Sprintf(" until %d", r.ValidTo)
			}
			got = append(got, line)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			diffs = append(diffs, fmt.Sprintf("  store %s:\n    got  %q\n    want %q", name, got, want))
		}
	}
	return diffs
}

// joinTypes is the types of a side of a stream join: store names end in the side.
func (p *performed) joinTypes(name string) [2]typ {
	if t, ok := p.lab.types["side "+name]; ok {
		return t
	}
	return [2]typ{simple("string"), simple("string")}
}
