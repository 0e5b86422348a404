package operator

import (
	"context"
	"fmt"
	"time"

	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/processor"
)

func record[K, V any](m *Msg[K, V]) processor.Record[K, V] {
	return processor.Record[K, V]{Key: m.Key, Value: m.Value, NullKey: m.NoKey, NullValue: m.NoValue, Time: time.UnixMilli(m.Time), Headers: m.Headers}
}

// contextRuntime is what a processor's context speaks to.
type contextRuntime[K, V any] struct {
	Node
	to       Types[K, V]
	children map[string]Sink[Msg[K, V]]
	out      Sink[Msg[K, V]]
	time     int64 // of the record at hand: what a store write is stamped with
	headers  []processor.Header
	next     Msg[K, V]
	ctx      context.Context //nolint:containedctx // handed to processors for the life of the task
}

func (c *contextRuntime[K, V]) Context() context.Context { return c.ctx }

func (c *contextRuntime[K, V]) Forward(child string, r processor.Record[K, V]) {
	ts := r.Time.UnixMilli()
	if ts < 0 {
		panic(fmt.Errorf("forwarded a record with a timestamp before 1970: %d", ts))
	}
	out := c.out
	if child != "" {
		var ok bool
		if out, ok = c.children[child]; !ok {
			panic(fmt.Errorf("forwarded to %q, which does not follow %q", child, c.Name))
		}
	}
	c.next = Msg[K, V]{
		Key: r.Key, Value: r.Value, NoKey: r.NullKey || c.to.Key.Null(r.Key), NoValue: r.NullValue || c.to.Value.Null(r.Value),
		Time: ts, Headers: r.Headers,
	}
	out(&c.next)
}

func (c *contextRuntime[K, V]) Schedule(s processor.Schedule, f func(at time.Time) error) processor.Punctuation {
	var anchor *int64
	if s.Anchor != nil {
		ms := s.Anchor.UnixMilli()
		anchor = &ms
	}
	return c.Task.Schedule(c.Name, s.Clock, s.Interval.Milliseconds(), anchor, func(at int64) error {
		c.time, c.headers = at, nil
		return f(time.UnixMilli(at))
	})
}

func (c *contextRuntime[K, V]) RequestCommit() { c.Task.RequestCommit() }

func (c *contextRuntime[K, V]) StreamTime() (time.Time, bool) {
	ts := c.Task.StreamTime()
	return time.UnixMilli(ts), ts != task.None
}

func (c *contextRuntime[K, V]) Now() time.Time { return time.UnixMilli(c.Task.Now()) }

func (c *contextRuntime[K, V]) Source() (processor.Source, bool) {
	r := c.Task.Current()
	if r == nil {
		return processor.Source{Partition: -1, Offset: -1}, false
	}
	return processor.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}, true
}

// Store hands a store to a handle, stamped with the record at hand.
func (c *contextRuntime[K, V]) Store(name string) any {
	s := c.Task.Store(name)
	if st, ok := s.(interface {
		At(ts int64, headers []processor.Header)
	}); ok {
		st.At(c.time, c.headers)
	}
	return s
}

// Process runs a processor.
func Process[K, V, K2, V2 any](ctx context.Context, n Node, to Types[K2, V2], newP func() processor.Processor[K, V, K2, V2], children map[string]Sink[Msg[K2, V2]], out Sink[Msg[K2, V2]]) Sink[Msg[K, V]] {
	rt := &contextRuntime[K2, V2]{Node: n, to: to, out: out, children: children, ctx: ctx}
	pc := processor.NewContext[K2, V2](rt)
	p := newP()
	opened(n, p, pc)
	step := func(r processor.Record[K, V]) error { return p.Process(pc, r) }
	return func(m *Msg[K, V]) {
		rt.time, rt.headers = m.Time, m.Headers
		err, ok := call(n, step, record(m))
		if ok && err != nil {
			n.Task.Handle(processor.Process, n.Name, err)
		}
	}
}

// opened arranges for a processor's Init and Close.
func opened[K, V any](n Node, p any, pc *processor.Context[K, V]) {
	if i, ok := p.(processor.Initializer[K, V]); ok {
		n.Task.OnInit(func() {
			if err := i.Init(pc); err != nil {
				n.Task.Stop(n.Name, fmt.Errorf("init: %w", err))
			}
		})
	}
	if c, ok := p.(processor.Closer); ok {
		n.Task.OnClose(c.Close)
	}
}

// TableProcess computes the rows of a table from those of another by a processor with stores (transformValues).
type TableProcess[K, V, W any] struct {
	Node
	To      Codec[W]
	SendOld bool
	Rows    Rows[K, W] // nil: not stored
	Out     Sink[Change[K, W]]
	rt      *contextRuntime[K, W]
	pc      *processor.Context[K, W]
	p       processor.TableProcessor[K, V, W]
}

// Bind makes the processor.
func (o *TableProcess[K, V, W]) Bind(ctx context.Context, newP func() processor.TableProcessor[K, V, W]) {
	o.rt = &contextRuntime[K, W]{Node: o.Node, to: Types[K, W]{Value: o.To}, out: func(*Msg[K, W]) {}, ctx: ctx}
	o.pc = processor.NewContext[K, W](o.rt)
	o.p = newP()
	opened(o.Node, o.p, o.pc)
}

func (o *TableProcess[K, V, W]) compute(key K, v V, none bool, ts int64, headers []processor.Header) (w W, null, ok bool) {
	o.rt.time, o.rt.headers = ts, headers
	r := processor.Record[K, V]{Key: key, Value: v, NullValue: none, Time: time.UnixMilli(ts), Headers: headers}
	err, ok := call(o.Node, func(r processor.Record[K, V]) (err error) {
		w, null, err = o.p.Process(o.pc, r)
		return err
	}, r)
	if ok && err != nil {
		o.Task.Handle(processor.Process, o.Name, err)
		ok = false
	}
	return w, null || o.To.Null(w), ok
}

// Sink takes an update.
func (o *TableProcess[K, V, W]) Sink(c *Change[K, V]) {
	next := Change[K, W]{Key: c.Key, NoOld: true, Time: c.Time, Headers: c.Headers, Stale: c.Stale}
	var ok bool
	if next.New, next.NoNew, ok = o.compute(c.Key, c.New, c.NoNew, c.Time, c.Headers); !ok {
		return
	}
	switch {
	case o.Rows != nil:
		if o.SendOld {
			old, _, had := o.Rows.Get(c.Key)
			next.Old, next.NoOld = old, !had
		}
		latest, kept := o.Rows.Put(c.Key, next.New, next.NoNew, c.Time, c.Headers)
		if !kept {
			return
		}
		next.Stale = !latest
	case o.SendOld:
		if next.Old, next.NoOld, ok = o.compute(c.Key, c.Old, c.NoOld, c.Time, c.Headers); !ok {
			return
		}
	}
	o.Out(&next)
}

// Get computes a row of a table that is not stored from its parent's.
func (o *TableProcess[K, V, W]) Get(parent Getter[K, V]) Getter[K, W] {
	return getter[K, W]{func(key K) (w W, ts int64, ok bool) {
		v, ts, had := parent.Get(key)
		if !had {
			ts = 0
		}
		w, null, ok := o.compute(key, v, !had, ts, nil)
		return w, ts, ok && !null
	}}
}
