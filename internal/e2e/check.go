package e2e

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is a class of anomaly.
type Kind string

const (
	LostPrefix   Kind = "lost-prefix"         // acknowledged, gone, and nothing earlier of its producer is left
	LostMiddle   Kind = "lost-middle"         // acknowledged and gone, between records that are there
	LostPostfix  Kind = "lost-postfix"        // acknowledged, gone, and nothing later of its producer is left
	WrongOffset  Kind = "wrong-offset"        // acknowledged at one offset, found at another
	Duplicate    Kind = "duplicate"           // one value at two offsets
	Inconsistent Kind = "inconsistent-offset" // two values at one offset, seen by readers or acknowledged
	Disorder     Kind = "disorder"            // a producer's values in another order than it sent them
	Foreign      Kind = "foreign-value"       // a value of another topic or partition
	Phantom      Kind = "phantom"             // a value that nobody sent
	Garbled      Kind = "garbled"             // bytes that are no value
	Hole         Kind = "hole"                // offsets missing inside a log that nobody compacts
	Watermark    Kind = "watermark"           // log start or high watermark where it cannot be
)

// Anomaly is one thing that must not be.
type Anomaly struct {
	Kind      Kind
	Partition Partition
	Detail    string
}

func (a Anomaly) String() string { return fmt.Sprintf("%s in %s: %s", a.Kind, a.Partition, a.Detail) }

// Entry is a record as read; Err says why its value could not be understood.
type Entry struct {
	Offset int64
	Value  Value
	Err    error
}

// Reading is a partition from offset From up to its high watermark, as a consumer saw it.
type Reading struct {
	Partition      Partition
	LogStart, From int64
	HighWatermark  int64
	Entries        []Entry
}

// Checker holds what is known of every partition: what was acknowledged, and what readers have seen. It is not safe for
// concurrent use.
type Checker struct {
	sent      func(Value) bool
	logs      map[Partition]*knownLog
	anomalies []Anomaly
	reads     int
}

// knownLog is a partition over time.
type knownLog struct {
	seen    map[int64]Value // every value ever seen at an offset, by readers or producers: the first of them
	acked   map[Value]int64
	current []Entry // the log as last read, by offset; what could not be understood is left out
	from    int64   // log start of the last reading
	end     int64   // high watermark of the last reading
}

// NewChecker makes one; sent tells whether a value was ever given to a client.
func NewChecker(sent func(Value) bool) *Checker {
	return &Checker{sent: sent, logs: map[Partition]*knownLog{}}
}

func (c *Checker) log(p Partition) *knownLog {
	l := c.logs[p]
	if l == nil {
		l = &knownLog{seen: map[int64]Value{}, acked: map[Value]int64{}}
		c.logs[p] = l
	}
	return l
}

func (c *Checker) flag(k Kind, p Partition, format string, args ...any) {
	c.anomalies = append(c.anomalies, Anomaly{k, p, fmt.Sprintf(format, args...)})
}

// Acknowledged adds acknowledgements. Those that are added before a reading must be in it.
func (c *Checker) Acknowledged(acks []Ack) {
	for _, a := range acks {
		p := a.Value.Partition
		l := c.log(p)
		if before, twice := l.acked[a.Value]; twice && before != a.Offset {
			c.flag(Inconsistent, p, "%s was acknowledged at %d and at %d", a.Value, before, a.Offset)
		}
		l.acked[a.Value] = a.Offset
		c.saw(l, p, a.Offset, a.Value)
	}
}

// saw notes a value at an offset, which must have no other value ever.
func (c *Checker) saw(l *knownLog, p Partition, offset int64, v Value) {
	if before, known := l.seen[offset]; !known {
		l.seen[offset] = v
	} else if before != v {
		c.flag(Inconsistent, p, "offset %d was %s and is %s", offset, before, v)
	}
}

// Observe adds a reading: it replaces what was known from its first offset on.
func (c *Checker) Observe(r Reading) {
	c.reads++
	l, p := c.log(r.Partition), r.Partition
	c.watermarks(l, r)
	l.current = slices.DeleteFunc(l.current, func(e Entry) bool { return e.Offset >= min(r.From, r.HighWatermark) || e.Offset < r.LogStart })
	l.from, l.end = r.LogStart, r.HighWatermark
	next := r.From
	for _, e := range r.Entries {
		if e.Offset != next {
			c.flag(Hole, p, "offset %d follows %d", e.Offset, next-1)
		}
		next = e.Offset + 1
		if e.Err != nil {
			c.flag(Garbled, p, "offset %d: %v", e.Offset, e.Err)
			continue
		}
		if e.Value.Partition != p {
			c.flag(Foreign, p, "offset %d holds %s", e.Offset, e.Value)
			continue
		}
		if !c.sent(e.Value) {
			c.flag(Phantom, p, "offset %d holds %s, which nobody sent", e.Offset, e.Value)
		}
		c.saw(l, p, e.Offset, e.Value)
		l.current = append(l.current, e)
	}
	if next < r.HighWatermark {
		c.flag(Hole, p, "nothing from offset %d up to the high watermark %d", next, r.HighWatermark)
	}
}

func (c *Checker) watermarks(l *knownLog, r Reading) {
	switch {
	case r.LogStart < 0 || r.LogStart > r.HighWatermark:
		c.flag(Watermark, r.Partition, "log start %d, high watermark %d", r.LogStart, r.HighWatermark)
	case r.LogStart < l.from:
		c.flag(Watermark, r.Partition, "log start fell from %d to %d", l.from, r.LogStart)
	case r.HighWatermark < l.end:
		c.flag(Watermark, r.Partition, "high watermark fell from %d to %d", l.end, r.HighWatermark)
	}
	if n := len(r.Entries); n > 0 && r.Entries[n-1].Offset >= r.HighWatermark {
		c.flag(Watermark, r.Partition, "a consumer was given offset %d, the high watermark is %d", r.Entries[n-1].Offset, r.HighWatermark)
	}
}

// Report judges the logs as last read against everything that was acknowledged.
func (c *Checker) Report() Report {
	out := Report{Reads: c.reads, Anomalies: slices.Clone(c.anomalies)}
	for _, p := range slices.SortedFunc(maps.Keys(c.logs), comparePartitions) {
		l := c.logs[p]
		out.Acked += len(l.acked)
		out.Found += len(l.current)
		places := out.duplicatesAndOrder(p, l)
		out.lost(p, l, places)
	}
	return out
}

func comparePartitions(a, b Partition) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Index, b.Index))
}

// duplicatesAndOrder walks a log once; it answers where each value lies.
func (r *Report) duplicatesAndOrder(p Partition, l *knownLog) map[Value]int64 {
	places, last := make(map[Value]int64, len(l.current)), map[string]Value{}
	for _, e := range l.current {
		v, offset := e.Value, e.Offset
		if first, twice := places[v]; twice {
			r.add(Duplicate, p, "%s lies at %d and at %d", v, first, offset)
			continue
		}
		places[v] = offset
		if before, known := last[v.Producer]; known && v.Sequence < before.Sequence {
			r.add(Disorder, p, "%s at %d comes behind %s", v, offset, before)
		}
		last[v.Producer] = v
	}
	return places
}

// lost compares what was acknowledged with what is there, and says which part of its producer's records a lost one was.
func (r *Report) lost(p Partition, l *knownLog, places map[Value]int64) {
	type span struct{ first, last int64 } // sequences of acknowledged records that are there
	alive, missing := map[string]span{}, []Ack(nil)
	for v, offset := range l.acked {
		at, found := places[v]
		if !found {
			if offset >= l.from {
				missing = append(missing, Ack{v, offset})
			}
			continue
		}
		if at != offset {
			r.add(WrongOffset, p, "%s was acknowledged at %d and lies at %d", v, offset, at)
		}
		s, known := alive[v.Producer]
		if !known {
			s = span{v.Sequence, v.Sequence}
		}
		alive[v.Producer] = span{min(s.first, v.Sequence), max(s.last, v.Sequence)}
	}
	slices.SortFunc(missing, func(a, b Ack) int { return cmp.Compare(a.Offset, b.Offset) })
	for _, m := range missing {
		kind := LostPostfix
		if s, known := alive[m.Value.Producer]; known && m.Value.Sequence < s.first {
			kind = LostPrefix
		} else if known && m.Value.Sequence < s.last {
			kind = LostMiddle
		}
		r.add(kind, p, "%s was acknowledged at %d; the log is [%d, %d)", m.Value, m.Offset, l.from, l.end)
	}
}

// Report is a judgement.
type Report struct {
	Acked, Found, Reads int
	Anomalies           []Anomaly
}

func (r *Report) add(k Kind, p Partition, format string, args ...any) {
	r.Anomalies = append(r.Anomalies, Anomaly{k, p, fmt.Sprintf(format, args...)})
}

// Count answers how many anomalies are of one of kinds.
func (r *Report) Count(kinds ...Kind) int {
	n := 0
	for _, a := range r.Anomalies {
		if slices.Contains(kinds, a.Kind) {
			n++
		}
	}
	return n
}

// Lost counts acknowledged records that are gone.
func (r *Report) Lost() int { return r.Count(LostPrefix, LostMiddle, LostPostfix) }

// Duplicates counts values that are there more than once.
func (r *Report) Duplicates() int { return r.Count(Duplicate) }

// String is the counts by kind, and the first anomalies of each.
func (r *Report) String() string {
	b := new(strings.Builder)
	fmt.Fprintf(b, "%d acknowledged, %d lost, %d duplicates, %d anomalies in %d readings", r.Acked, r.Lost(), r.Duplicates(), len(r.Anomalies), r.Reads)
	shown := map[Kind]int{}
	for _, a := range r.Anomalies {
		if shown[a.Kind]++; shown[a.Kind] <= 5 {
			fmt.Fprintf(b, "\n  %s", a)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(shown)) {
		if shown[k] > 5 {
			fmt.Fprintf(b, "\n  %s: %d more", k, shown[k]-5)
		}
	}
	return b.String()
}
