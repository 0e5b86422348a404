package serde

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/frame"
)

// Serde writes and reads the keys or the values of a topic. Make it with Avro, JSON or Proto.
type Serde[T any] struct {
	reg   *Registry
	cfg   config
	place Place
	f     format[T]

	target  atomic.Pointer[target[T]]
	finding sync.Mutex // one at a time looks for a target; guards nothing

	readers atomic.Pointer[map[name]*reader[T]]
}

// format is what Avro, JSON and Protobuf do each in their way.
type format[T any] interface {
	// own is the schema of the type, or why there is none, and the full name of the type.
	own() (s sr.Schema, record string, err error)
	// writer answers what appends a value under a schema, and for Protobuf the indexes of its message.
	writer(s *Schema) (write func(dst []byte, v T) ([]byte, error), indexes []byte, err error)
	// reader answers what reads data that were written under a schema.
	reader(s *Schema) (read func(fr frame.Frame) (T, error), err error)
}

// target is what values are written under.
type target[T any] struct {
	schema  *Schema
	prefix  []byte // with the indexes
	header  []byte // of HeaderGUID, instead of prefix
	write   func(dst []byte, v T) ([]byte, error)
	expires time.Time // zero: never
}

// name is how data name a schema.
type name struct {
	id   int
	guid frame.GUID
}

type reader[T any] struct {
	schema *Schema
	read   func(fr frame.Frame) (T, error)
}

// Meta says what a value was written with.
type Meta struct {
	ID     int    // -1: the data named a GUID
	GUID   string // of the schema's content
	Writer sr.Schema
}

func newSerde[T any](reg *Registry, p Place, f format[T], cfg config) *Serde[T] {
	return &Serde[T]{reg: reg, cfg: cfg, place: p, f: f}
}

// Append appends a value to dst. With HeaderGUID its schema stands in the header, and only there.
func (s *Serde[T]) Append(ctx context.Context, dst []byte, v T) (out []byte, header *kgo.RecordHeader, err error) {
	t := s.target.Load()
	if t == nil || !t.expires.IsZero() && time.Now().After(t.expires) {
		if t, err = s.find(ctx); err != nil {
			return dst, nil, fmt.Errorf("encode a %T for %s: %w", v, s.place.Topic, err)
		}
	}
	if out, err = t.write(append(dst, t.prefix...), v); err != nil {
		return dst, nil, fmt.Errorf("encode a %T for %s: %w", v, s.place.Topic, err)
	}
	if t.header != nil {
		header = &kgo.RecordHeader{Key: s.headerName(), Value: t.header}
	}
	return out, header, nil
}

// Encode is Append for who needs no header: with HeaderGUID it is an error.
func (s *Serde[T]) Encode(ctx context.Context, v T) ([]byte, error) {
	if s.cfg.wire == HeaderGUID {
		return nil, fmt.Errorf("encode a %T for %s: serde.HeaderGUID needs a record: use Append or Record", v, s.place.Topic)
	}
	out, _, err := s.Append(ctx, nil, v)
	return out, err
}

// Record makes a record of a topic's value with a key that is bytes; of a serde for keys, v is the key and other the value.
func (s *Serde[T]) Record(ctx context.Context, other []byte, v T) (*kgo.Record, error) {
	data, header, err := s.Append(ctx, nil, v)
	if err != nil {
		return nil, err
	}
	r := &kgo.Record{Topic: s.place.Topic, Key: other, Value: data}
	if s.place.IsKey {
		r.Key, r.Value = data, other
	}
	if header != nil {
		r.Headers = []kgo.RecordHeader{*header}
	}
	return r, nil
}

func (s *Serde[T]) headerName() string {
	if s.place.IsKey {
		return frame.KeyHeader
	}
	return frame.ValueHeader
}

// find learns what to write under.
func (s *Serde[T]) find(ctx context.Context) (*target[T], error) {
	s.finding.Lock()
	defer s.finding.Unlock()
	if t := s.target.Load(); t != nil && (t.expires.IsZero() || time.Now().Before(t.expires)) {
		return t, nil // somebody else has found it
	}
	schema, err := s.schema(ctx)
	if err != nil {
		return nil, err
	}
	t := &target[T]{schema: schema}
	if s.cfg.useLatest {
		t.expires = time.Now().Add(s.cfg.ttl)
	}
	if old := s.target.Load(); old != nil && old.schema == schema {
		t.prefix, t.header, t.write = old.prefix, old.header, old.write
		s.target.Store(t)
		return t, nil
	}
	var indexes []byte
	if t.write, indexes, err = s.f.writer(schema); err != nil {
		return nil, err
	}
	if s.cfg.wire == Prefix {
		t.prefix = append(frame.AppendID(nil, schema.ID), indexes...)
	} else {
		guid, err := parseGUID(schema.GUID)
		if err != nil {
			return nil, err
		}
		t.prefix = append(frame.AppendGUID(nil, guid), indexes...)
		if s.cfg.wire == HeaderGUID {
			t.prefix, t.header = nil, t.prefix
		}
	}
	s.target.Store(t)
	return t, nil
}

// schema is the registered schema to write under.
func (s *Serde[T]) schema(ctx context.Context) (*Schema, error) {
	if s.cfg.useID > 0 {
		return s.reg.byID(ctx, s.cfg.useID)
	}
	own, record, err := s.f.own()
	subject := s.cfg.subject(s.place, record)
	if s.cfg.useLatest {
		return s.reg.newest(ctx, subject, s.cfg.latestWith, s.cfg.ttl)
	}
	if err != nil {
		return nil, err
	}
	return s.reg.lookUp(ctx, subject, own, s.cfg.autoRegister, s.cfg.normalize)
}

// Decode reads the key or the value of a record. Its error is a *DecodeError.
func (s *Serde[T]) Decode(ctx context.Context, r *kgo.Record) (T, Meta, error) {
	data := r.Value
	if s.place.IsKey {
		data = r.Key
	}
	var header []byte
	for _, h := range r.Headers {
		if h.Key == s.headerName() {
			header = h.Value
		}
	}
	v, meta, err := s.DecodeBytes(ctx, data, header)
	if err != nil {
		err = &DecodeError{r.Topic, r.Partition, r.Offset, s.place.IsKey, err}
	}
	return v, meta, err
}

// DecodeBytes reads a key or a value, and the header that names its schema if it has one.
func (s *Serde[T]) DecodeBytes(ctx context.Context, data, header []byte) (v T, meta Meta, err error) {
	if data == nil {
		return v, meta, ErrNull
	}
	fr, err := frame.Parse(data, header)
	if err != nil {
		return v, meta, err
	}
	at := name{fr.ID, fr.GUID}
	var rd *reader[T]
	if known := s.readers.Load(); known != nil {
		rd = (*known)[at]
	}
	if rd == nil {
		if rd, err = s.learn(ctx, at); err != nil {
			return v, meta, err
		}
	}
	v, err = rd.read(fr)
	return v, Meta{fr.ID, rd.schema.GUID, rd.schema.Schema}, err
}

// learn asks for a schema and makes what reads its data.
func (s *Serde[T]) learn(ctx context.Context, at name) (*reader[T], error) {
	var schema *Schema
	var err error
	if at.id >= 0 {
		schema, err = s.reg.byID(ctx, at.id)
	} else {
		schema, err = s.reg.byGUID(ctx, at.guid.String())
	}
	if err != nil {
		return nil, err
	}
	rd := &reader[T]{schema: schema}
	if rd.read, err = s.f.reader(schema); err != nil {
		return nil, err
	}
	next := map[name]*reader[T]{}
	if known := s.readers.Load(); known != nil && len(*known) < maxCached {
		next = maps.Clone(*known)
	}
	next[at] = rd // two who learn at once may lose one, which is then learnt again
	s.readers.Store(&next)
	return rd, nil
}

// Each decodes what was fetched of a serde's topic, one by one. An error is of one record: those behind it follow.
func Each[T any](ctx context.Context, fetches kgo.Fetches, s *Serde[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i := fetches.RecordIter(); !i.Done(); {
			r := i.Next()
			if r.Topic != s.place.Topic {
				continue
			}
			v, _, err := s.Decode(ctx, r)
			if !yield(v, err) {
				return
			}
		}
	}
}
