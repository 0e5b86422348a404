package api

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// Validator says whether keys and values are what a schema wants them to be. Many goroutines use it at once.
type Validator interface {
	// Field answers what checks the keys or the values of a topic, under a level (id, decode, rule) and a strategy for the name of the
	// subject (topic, record, topic-record). It is asked for each batch and must be cheap.
	//
	// The check is called with each of them that is not null, and with the record's schema header when it has one. Its error is
	// the reason that a producer reads. An error with a method Retriable() bool that answers true says that it cannot be told
	// now; one with SchemaID() int says which schema was meant. The check keeps none of the bytes.
	Field(topic string, key bool, level, strategy string) func(data, header []byte) error
}

// Headers that name a schema where no prefix does (registry.md 12).
const (
	keySchemaHeader   = "__key_schema_id"
	valueSchemaHeader = "__value_schema_id"
)

// maxRecordErrors bounds what an answer lists of a batch.
const maxRecordErrors = 16

// errNoValidator is answered for topics that demand schemas of a broker that has none.
var errNoValidator = fmt.Errorf("%w: the topic demands valid schemas and this broker has no schema registry: run it with --roles broker,registry, or set the topic's validation to none", kerr.InvalidConfig)

// errCannotTell makes the producer try again.
var errCannotTell = fmt.Errorf("%w: the schemas are not read yet", kerr.RequestTimedOut)

// screening holds one batch against what its topic demands.
type screening struct {
	p        *production
	part     *replica.Partition
	demands  *config.Validation
	key      func(data, header []byte) error
	value    func(data, header []byte) error
	rejected []culprit
	dead     []culprit // by index, as they come
	warned   int
	first    error // of those that are only warned about
	cannot   error
}

// culprit is a record that does not pass.
type culprit struct {
	index int32
	field string
	err   error
}

// screen answers the batch to append: the one that came, or one without the records that went to the dead-letter topic. It
// refuses a batch as Kafka refuses invalid records: with a list of them, and nothing of it is appended.
func (p *production) screen(part *replica.Partition, demands *config.Validation, b record.Batch) (record.Batch, []record.RecordError, error) {
	if p.s.Validator == nil {
		return nil, nil, errNoValidator
	}
	s := &screening{p: p, part: part, demands: demands}
	if f := demands.Key; f.Active() {
		s.key = p.s.Validator.Field(part.Topic, true, f.Level, f.Strategy)
	}
	if f := demands.Value; f.Active() {
		s.value = p.s.Validator.Field(part.Topic, false, f.Level, f.Strategy)
	}
	if err := s.walk(b); err != nil {
		return nil, nil, err
	}
	return s.decide(b)
}

// walk checks every record.
func (s *screening) walk(b record.Batch) error {
	d := record.GetDecompressor(0)
	defer d.Put()
	it, err := b.Records(d)
	if err != nil {
		return err
	}
	for i := int32(0); it.Next(); i++ {
		r := it.Record()
		if s.key != nil && r.Key != nil {
			s.note(i, "key", s.demands.Key.Action, s.key(r.Key, header(r, keySchemaHeader)))
		}
		switch {
		case s.value == nil:
		case r.Value != nil:
			s.note(i, "value", s.demands.Value.Action, s.value(r.Value, header(r, valueSchemaHeader)))
		case s.demands.DenyTombstones:
			s.note(i, "value", s.demands.Value.Action, errTombstone)
		}
		if s.cannot != nil {
			return s.cannot
		}
	}
	return it.Err()
}

var errTombstone = errors.New("null, and the topic takes no tombstones")

// header is the value of a record's header, nil when it has none.
func header(r *record.Record, name string) []byte {
	for _, h := range r.Headers {
		if string(h.Key) == name {
			return h.Value
		}
	}
	return nil
}

// note takes the verdict on a field. Of a record that fails twice, the stronger action counts.
func (s *screening) note(i int32, field, action string, err error) {
	if err == nil {
		return
	}
	var r interface{ Retriable() bool }
	if action != "warn" && errors.As(err, &r) && r.Retriable() {
		s.cannot = fmt.Errorf("%w: %w", errCannotTell, err)
		return
	}
	switch action {
	case "warn":
		if s.warned++; s.first == nil {
			s.first = fmt.Errorf("record %d: %s: %w", i, field, err)
		}
	case "dlq":
		if n := len(s.dead); n == 0 || s.dead[n-1].index != i {
			s.dead = append(s.dead, culprit{i, field, err})
		}
	default:
		s.rejected = append(s.rejected, culprit{i, field, err})
	}
}

func (s *screening) decide(b record.Batch) (record.Batch, []record.RecordError, error) {
	count := func(kind EventKind, n int) { s.p.s.Observe(Event{Topic: s.part.Topic, Kind: kind, Records: n}) }
	count(Screened, int(b.Count()))
	if len(s.rejected) > 0 {
		count(SchemaRejected, len(s.rejected))
		faults, err := s.refusal(b)
		return nil, faults, err
	}
	if s.warned > 0 {
		count(SchemaWarned, s.warned)
		if missed, ok := s.p.s.warnings.allow(s.part.Topic, s.p.s.Now()); ok {
			s.p.s.Logger.Warn("records do not pass the schema validation of their topic and are appended", "topic", s.part.Topic,
				"partition", s.part.Index, "first", s.first, "more_batches_since_the_last_warning", missed)
		}
	}
	if len(s.dead) == 0 {
		return b, nil, nil
	}
	if err := s.bury(b); err != nil {
		return nil, nil, err
	}
	count(SchemaBuried, len(s.dead))
	rest, err := s.without(b)
	return rest, nil, err
}

// refusal lists what is wrong, as KIP-467 has it.
func (s *screening) refusal(b record.Batch) ([]record.RecordError, error) {
	var faults []record.RecordError
	for _, c := range s.rejected {
		if n := len(faults); n > 0 && faults[n-1].Index == c.index {
			faults[n-1].Message += "; " + c.field + ": " + c.err.Error()
			continue
		}
		if len(faults) == maxRecordErrors {
			break
		}
		faults = append(faults, record.RecordError{Index: c.index, Message: c.field + ": " + c.err.Error()})
	}
	return faults, fmt.Errorf("%w: %d of the %d records for %s-%d do not pass the schema validation of the topic; record %d: %s",
		record.ErrInvalidRecord, s.records(), b.Count(), s.part.Topic, s.part.Index, faults[0].Index, faults[0].Message)
}

// records is how many records are refused: one whose key and value are wrong is one.
func (s *screening) records() int {
	n, last := 0, int32(-1)
	for _, c := range s.rejected {
		if c.index != last {
			n, last = n+1, c.index
		}
	}
	return n
}

// without is the batch without its dead records, as compaction leaves one: offsets and the producer's sequence stay.
func (s *screening) without(b record.Batch) (record.Batch, error) {
	var f record.Filter
	i, dead := int32(-1), s.dead
	err := f.Read(b, func(*record.Record) bool {
		if i++; len(dead) > 0 && dead[0].index == i {
			dead = dead[1:]
			return false
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if f.Count() == 0 {
		return record.AppendEmpty(nil, b), nil
	}
	return f.Append(nil, record.NoTimestamp)
}

// warnings allows one warning a minute for each topic.
type warnings struct {
	mu     sync.Mutex // guards the fields below
	next   map[string]time.Time
	missed map[string]int
}

func (w *warnings) allow(topic string, now time.Time) (missed int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == nil {
		w.next, w.missed = map[string]time.Time{}, map[string]int{}
	}
	if now.Before(w.next[topic]) {
		w.missed[topic]++
		return 0, false
	}
	missed = w.missed[topic]
	w.next[topic], w.missed[topic] = now.Add(time.Minute), 0
	return missed, true
}
