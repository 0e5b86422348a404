package streams_test

import (
	"context"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/mainstem-io/mainstem/streams"
)

// op is one operation of a case's topology (README of the vectors).
type op struct {
	ID, Op, Name, Store, Topic, Pattern, Key, Value, Extractor, Fn string
	Kind, Type, Joiner, Until, Default, Emit                       string
	Topics, In, Stores, Connect, Fns                               []string
	SubFn                                                          string `json:"sub_fn"`
	OnFull                                                         string `json:"on_full"`
	Partitions                                                     int
	Logging                                                        *bool
	RetainDuplicates                                               bool   `json:"retain_duplicates"`
	Retention                                                      *int64 `json:"retention_ms"`
	WindowSize                                                     int64  `json:"window_size_ms"`
	History                                                        *int64 `json:"versioned_history_ms"`
	Segment                                                        int64  `json:"versioned_segment_ms"`
	Size                                                           int64  `json:"size_ms"`
	Advance                                                        int64  `json:"advance_ms"`
	Grace                                                          *int64 `json:"grace_ms"`
	Diff                                                           int64  `json:"diff_ms"`
	Gap                                                            int64  `json:"gap_ms"`
	Start                                                          int64  `json:"start_ms"`
	Before                                                         int64  `json:"before_ms"`
	After                                                          int64  `json:"after_ms"`
	Ms                                                             int64
	MaxRecords                                                     *int64 `json:"max_records"`
	MaxBytes                                                       int64  `json:"max_bytes"`
	Branches                                                       []struct{ Fn, Name string }
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// built is what an operation made.
type built struct {
	s        *streams.Stream[val, val]
	t        *streams.Table[val, val]
	w        *streams.WindowedTable[val, val]
	g        *streams.Grouped[val, val]
	wg       *streams.WindowedGroup[val, val]
	sg       *streams.SessionGroup[val, val]
	gt       *streams.GroupedTable[val, val]
	cg       *streams.Cogrouped[val, val]
	wcg      *streams.WindowedCogroup[val, val]
	scg      *streams.SessionCogroup[val, val]
	global   *streams.GlobalTable[val, val]
	k, v     typ
	win      op   // of windowed groups
	windowed bool // the key is windowed
}

// lab builds one case.
type lab struct {
	b        *streams.Builder
	ops      map[string]built
	kv       map[string]vstore
	win      map[string]vwindow
	types    map[string][2]typ // of topics and stores, for comparing
	dynamic  []dynamicTopics
	observed func(id string, k, v val)
}

type dynamicTopics struct {
	prefix string
	k, v   typ
}

func newLab() *lab {
	return &lab{b: streams.NewBuilder(), ops: map[string]built{}, kv: map[string]vstore{}, win: map[string]vwindow{}, types: map[string][2]typ{}, observed: func(string, val, val) {}}
}

func (l *lab) stream(s streams.Stream[val, val], k, v typ) built {
	s = s.With(typeSerde{k}, typeSerde{v})
	return built{s: &s, k: k, v: v}
}

func (l *lab) table(t streams.Table[val, val], k, v typ) built {
	t = t.With(typeSerde{k}, typeSerde{v})
	return built{t: &t, k: k, v: v}
}

func (l *lab) windowed(t streams.WindowedTable[val, val], k, v typ) built {
	t = t.With(typeSerde{v})
	return built{w: &t, k: k, v: v, windowed: true}
}

func (l *lab) in(o op, i int) built {
	id := o.In[i]
	if b, ok := l.ops[id]; ok {
		return b
	}
	panic("no op " + id)
}

// name is the store's name, the operator's, or one from the id.
func (o op) name() string {
	switch {
	case o.Store != "":
		return o.Store
	case o.Name != "":
		return o.Name
	}
	return "x-" + o.ID
}

func (o op) options() []streams.StoreOption {
	var out []streams.StoreOption
	if o.Logging != nil && !*o.Logging {
		out = append(out, streams.NoLog())
	}
	if o.Retention != nil {
		out = append(out, streams.Retention(millis(*o.Retention)))
	}
	if o.History != nil {
		out = append(out, streams.Versioned(millis(*o.History)))
	}
	if o.Store != "" {
		out = append(out, streams.Materialize())
	}
	return out
}

// build adds one operation.
func (l *lab) build(o op) {
	var r built
	switch o.Op {
	case "stream", "table", "global_table", "add_store", "add_global_store", "add_read_only_store":
		r = l.source(o)
	case "to", "to_dynamic", "peek", "foreach", "to_table", "to_stream", "split", "merge", "repartition", "process", "process_values", "transform_values":
		r = l.flow(o)
	case "group_by_key", "group_by", "windowed_by", "cogroup":
		r = l.group(o)
	case "count", "reduce", "aggregate":
		r = l.fold(o)
	case "stream_join", "stream_table_join", "global_join", "table_join", "fk_join":
		r = l.join(o)
	case "suppress":
		r = l.suppress(o)
	default:
		r = l.mapping(o)
	}
	l.ops[o.ID] = r
	if o.Store != "" {
		l.types[o.Store] = [2]typ{r.k, r.v}
	}
}

func (l *lab) source(o op) built {
	k, v := simple(o.Key), simple(o.Value)
	topic := streams.NewTopic[val, val](o.Topic, typeSerde{k}, typeSerde{v}, topicOptions(o.Extractor)...)
	switch o.Op {
	case "stream":
		var opts []streams.SourceOption
		if o.Pattern != "" {
			opts = append(opts, streams.Matching(regexp.MustCompile(o.Pattern)))
		}
		if len(o.Topics) > 0 {
			topic.Name = o.Topics[0]
			opts = append(opts, streams.From(o.Topics[1:]...))
		}
		l.types["<"+o.Topic] = [2]typ{k, v}
		for _, t := range o.Topics {
			l.types["<"+t] = [2]typ{k, v}
		}
		if o.Pattern != "" {
			l.types["<"] = [2]typ{k, v}
		}
		return l.stream(l.b.Stream(topic, opts...), k, v)
	case "table":
		l.types["<"+o.Topic] = [2]typ{k, v}
		return l.table(l.b.Table(topic, o.name(), o.options()...), k, v)
	case "global_table":
		l.types["<"+o.Topic] = [2]typ{k, v}
		g := l.b.GlobalTable(topic, o.name())
		return built{global: &g, k: k, v: v}
	case "add_store":
		switch o.Kind {
		case "window":
			opts := o.options()
			if o.RetainDuplicates {
				opts = append(opts, streams.Duplicates())
			}
			l.win[o.Store] = streams.Windows[val, val](o.Store, typeSerde{k}, typeSerde{v}, millis(o.WindowSize), millis(*o.Retention), opts...)
		case "timestamped_kv":
			l.kv[o.Store] = streams.TimestampedKV[val, val](o.Store, typeSerde{k}, typeSerde{v}, o.options()...)
		default:
			l.kv[o.Store] = streams.KV[val, val](o.Store, typeSerde{k}, typeSerde{v}, o.options()...)
		}
	case "add_global_store", "add_read_only_store":
		l.types["<"+o.Topic] = [2]typ{k, v}
		kv := streams.TimestampedKV[val, val](o.Store, typeSerde{k}, typeSerde{v})
		l.kv[o.Store] = kv
		if o.Op == "add_global_store" {
			l.b.GlobalStore(topic, updater(o.Fn, kv), kv)
		} else {
			l.b.ReadOnlyStore(topic, updater(o.Fn, kv), kv)
		}
	}
	return built{k: k, v: v}
}

func (l *lab) mapping(o op) built {
	in := l.in(o, 0)
	switch o.Op {
	case "filter", "filter_not":
		f := predicate(o.Fn)
		keep := func(k, v val) bool { return f(k, v) == (o.Op == "filter") }
		switch {
		case in.s != nil:
			return l.stream(in.s.Filter(keep), in.k, in.v)
		case in.w != nil:
			w := in.w.Filter(func(k streams.Windowed[val], v val) bool { return keep(windowVal(k), v) })
			if o.Store != "" {
				w = w.Stored(o.name(), typeSerde{in.v}, o.options()...)
			}
			return l.windowed(w, in.k, in.v)
		}
		return l.storedTable(o, in.t.Filter(keep), in.k, in.v)
	case "map_values":
		f, out := valueMapper(o.Fn, in.v)
		switch {
		case in.s != nil:
			return l.stream(in.s.MapValuesWithKey(f), in.k, out)
		case in.w != nil:
			w := in.w.MapValuesWithKey(func(k streams.Windowed[val], v val) val { return f(windowVal(k), v) })
			if o.Store != "" {
				w = w.Stored(o.name(), typeSerde{out}, o.options()...)
			}
			return l.windowed(w, in.k, out)
		}
		return l.storedTable(o, in.t.MapValuesWithKey(f), in.k, out)
	case "map":
		f, k, v := pairMapper(o.Fn, in.k, in.v)
		return l.stream(in.s.Map(f), k, v)
	case "flat_map":
		f, k, v := flatMapper(o.Fn, in.k)
		return l.stream(in.s.FlatMap(f), k, v)
	case "flat_map_values":
		return l.stream(in.s.FlatMapValuesWithKey(flatValueMapper(o.Fn)), in.k, simple("string"))
	case "select_key":
		f, k := keyMapper(o.Fn, in.k, in.v)
		return l.stream(in.s.SelectKey(f), k, in.v)
	}
	panic("the vocabulary has no op " + o.Op)
}

func windowVal(w streams.Windowed[val]) val {
	return &value{kind: "windowed", inner: w.Key, span: w.Window}
}

func (l *lab) storedTable(o op, t streams.Table[val, val], k, v typ) built {
	t = t.With(typeSerde{k}, typeSerde{v})
	if o.Store != "" {
		t = t.Stored(o.name(), typeSerde{v}, o.options()...)
	}
	return built{t: &t, k: k, v: v}
}

func (l *lab) flow(o op) built {
	in := l.in(o, 0)
	switch o.Op {
	case "to":
		l.types[o.Topic] = [2]typ{in.k, in.v}
		in.s.To(streams.NewTopic[val, val](o.Topic, typeSerde{in.k}, typeSerde{in.v}))
	case "to_dynamic":
		name, prefix := split(o.Fn)
		l.dynamic = append(l.dynamic, dynamicTopics{prefix + "-", in.k, in.v})
		in.s.ToDynamic(func(r vrec, _ streams.Source) streams.Topic[val, val] {
			t := prefix + "-" + text(r.Key)
			if name == "byFirstChar" {
				if t = prefix + "-none"; first(r.Value) != nil {
					t = prefix + "-" + text(first(r.Value))
				}
			}
			return streams.NewTopic[val, val](t, typeSerde{in.k}, typeSerde{in.v})
		})
	case "peek":
		return l.stream(in.s.Peek(func(r vrec) { l.observed(o.ID, r.Key, r.Value) }), in.k, in.v)
	case "foreach":
		in.s.ForEach(func(_ context.Context, r vrec) error { l.observed(o.ID, r.Key, r.Value); return nil })
	case "to_table":
		return l.table(in.s.ToTable(o.name(), o.options()...), in.k, in.v)
	case "to_stream":
		return l.toStream(o, in)
	case "split":
		sp := in.s.Split("split-" + o.ID + "-")
		for _, b := range o.Branches {
			l.ops[o.ID+"."+b.Name] = l.stream(sp.Branch(b.Name, predicate(b.Fn)), in.k, in.v)
		}
		if o.Default != "" {
			l.ops[o.ID+"."+o.Default] = l.stream(sp.Default(o.Default), in.k, in.v)
		}
	case "merge":
		var others []streams.Stream[val, val]
		for i := 1; i < len(o.In); i++ {
			others = append(others, *l.in(o, i).s)
		}
		return l.stream(in.s.Merge(others...), in.k, in.v)
	case "repartition":
		var opts []streams.RepartitionOption
		if o.Partitions > 0 {
			opts = append(opts, streams.Partitions(o.Partitions))
		}
		return l.stream(in.s.Repartition(o.name(), opts...), in.k, in.v)
	case "process", "process_values":
		newP, out := processorOf(o.Fn, in.v, l.stores(o))
		k := in.k
		if strings.HasPrefix(o.Fn, "punct") {
			k = simple("string")
		}
		if o.Op == "process" {
			return l.stream(in.s.Process(o.Name, newP, l.refs(o)...), k, out)
		}
		return l.stream(in.s.ProcessValues(o.Name, newP, l.refs(o)...), in.k, out)
	case "transform_values":
		return l.storedTable(o, in.t.ProcessValues(o.name(), transformer(o.Fn, l.stores(o)), typeSerde{simple("string")}, l.refs(o)...), in.k, simple("string"))
	}
	return built{k: in.k, v: in.v}
}

func (l *lab) toStream(o op, in built) built {
	if in.w != nil {
		f := func(w streams.Windowed[val]) val { return windowVal(w) }
		k := in.k
		if o.Fn != "" {
			var g func(k, v val) val
			g, k = keyMapper(o.Fn, in.k, in.v)
			f = func(w streams.Windowed[val]) val { return g(windowVal(w), nil) }
		}
		return l.stream(in.w.StreamBy(f), k, in.v)
	}
	s := in.t.Stream()
	if o.Fn != "" {
		f, k := keyMapper(o.Fn, in.k, in.v)
		return l.stream(s.SelectKey(f), k, in.v)
	}
	return l.stream(s, in.k, in.v)
}

func (l *lab) stores(o op) (st stores) {
	for _, name := range o.Stores {
		if kv, ok := l.kv[name]; ok {
			st.kv = append(st.kv, kv)
		}
		if w, ok := l.win[name]; ok {
			st.win = append(st.win, w)
		}
	}
	return st
}

func (l *lab) refs(o op) (refs []streams.StoreRef) {
	for _, name := range o.Stores {
		switch {
		case l.kv[name] != (vstore{}):
			refs = append(refs, l.kv[name])
		case l.win[name] != (vwindow{}):
			refs = append(refs, l.win[name])
		default:
			refs = append(refs, nil)
		}
	}
	return refs
}

func (l *lab) group(o op) built {
	in := l.in(o, 0)
	switch o.Op {
	case "group_by_key":
		g := in.s.GroupByKey()
		return built{g: &g, k: in.k, v: in.v}
	case "group_by":
		if in.s != nil {
			f, k := keyMapper(o.Fn, in.k, in.v)
			g := in.s.SelectKey(f).With(typeSerde{k}, typeSerde{in.v}).GroupByKey()
			return built{g: &g, k: k, v: in.v}
		}
		f, k, v := pairMapper(o.Fn, in.k, in.v)
		if in.w != nil {
			gt := in.w.GroupBy(func(w streams.Windowed[val], v val) (val, val) { return f(windowVal(w), v) }, streams.Serde[val](typeSerde{k}), streams.Serde[val](typeSerde{v}))
			return built{gt: &gt, k: k, v: v}
		}
		gt := in.t.GroupBy(f, streams.Serde[val](typeSerde{k}), streams.Serde[val](typeSerde{v}))
		return built{gt: &gt, k: k, v: v}
	case "cogroup":
		a := aggregation(o.Fns[0])
		cg := in.g.Cogroup(a.add)
		for i := 1; i < len(o.In); i++ {
			cg = cg.With(*l.in(o, i).g, aggregation(o.Fns[i]).add)
		}
		return built{cg: &cg, k: in.k, v: in.v}
	}
	return l.windowedBy(o, in)
}

func (l *lab) windowedBy(o op, in built) built {
	var opts []streams.WindowOption
	if o.Grace != nil {
		opts = append(opts, streams.Grace(millis(*o.Grace)))
	}
	if o.Emit == "close" {
		opts = append(opts, streams.EmitFinal())
	}
	k := typ{kind: "windowed", inner: &in.k, size: o.Size}
	r := built{k: k, v: in.v, win: o}
	if o.Type == "session" {
		r.k.session = true
		if in.cg != nil {
			x := in.cg.SessionsBy(millis(o.Gap), opts...)
			r.scg = &x
		} else {
			x := in.g.SessionsBy(millis(o.Gap), opts...)
			r.sg = &x
		}
		return r
	}
	w := streams.Tumbling(millis(o.Size))
	switch o.Type {
	case "hopping":
		w = streams.Hopping(millis(o.Size), millis(o.Advance))
	case "sliding":
		w, r.k.size = streams.Sliding(millis(o.Diff)), o.Diff
	case "unlimited":
		w, r.k.size = streams.Unlimited(time.UnixMilli(o.Start)), math.MaxInt64
	}
	if in.cg != nil {
		x := in.cg.WindowedBy(w, opts...)
		r.wcg = &x
	} else {
		x := in.g.WindowedBy(w, opts...)
		r.wg = &x
	}
	return r
}

func (l *lab) fold(o op) built {
	in, opts, name := l.in(o, 0), o.options(), o.name()
	i64 := typeSerde{simple("int64")}
	switch o.Op {
	case "count": // Count answers int64, which no operator of the lab knows: the same by Aggregate
		a := aggregation("count")
		return l.aggregate(name, in, a, i64, opts, true)
	case "reduce":
		f := reducer(o.Fn)
		switch {
		case in.g != nil:
			return l.table(in.g.Reduce(name, f, opts...), in.k, in.v)
		case in.gt != nil:
			return l.table(in.gt.Reduce(name, f, reducer(o.SubFn), opts...), in.k, in.v)
		case in.wg != nil:
			return l.windowed(in.wg.Reduce(name, f, opts...), in.k, in.v)
		}
		return l.windowed(in.sg.Reduce(name, f, opts...), in.k, in.v)
	}
	a := aggregation(o.Fn)
	return l.aggregate(name, in, a, typeSerde{a.out}, opts, false)
}

func (l *lab) aggregate(name string, in built, a aggregator, s streams.Serde[val], opts []streams.StoreOption, _ bool) built {
	switch {
	case in.g != nil:
		return l.table(in.g.Aggregate(name, a.init, a.add, s, opts...), in.k, a.out)
	case in.gt != nil:
		return l.table(in.gt.Aggregate(name, a.init, a.add, a.sub, s, opts...), in.k, a.out)
	case in.wg != nil:
		return l.windowed(in.wg.Aggregate(name, a.init, a.add, s, opts...), in.k, a.out)
	case in.sg != nil:
		return l.windowed(in.sg.Aggregate(name, a.init, a.add, a.merge, s, opts...), in.k, a.out)
	case in.cg != nil:
		return l.table(in.cg.Aggregate(name, a.init, s, opts...), in.k, a.out)
	case in.wcg != nil:
		return l.windowed(in.wcg.Aggregate(name, a.init, s, opts...), in.k, a.out)
	}
	return l.windowed(in.scg.Aggregate(name, a.init, a.merge, s, opts...), in.k, a.out)
}

func (l *lab) suppress(o op) built {
	in := l.in(o, 0)
	b := streams.Unbounded()
	if o.MaxRecords != nil {
		b = streams.MaxRecords(*o.MaxRecords)
	}
	if o.MaxBytes > 0 {
		b = b.MaxBytes(o.MaxBytes)
	}
	if o.OnFull == "emit_early" {
		b = b.EmitEarlyWhenFull()
	}
	if o.Logging != nil && !*o.Logging {
		b = b.NoLog()
	}
	name := o.name()
	switch {
	case o.Until == "window_closes" && in.w == nil:
		panic(excluded("until-close suppression of a plain table: the types exclude it"))
	case o.Until == "window_closes":
		return l.windowed(in.w.Suppress(name, b), in.k, in.v)
	case in.w != nil:
		return l.windowed(in.w.SuppressFor(name, millis(o.Ms), b), in.k, in.v)
	}
	return l.table(in.t.SuppressFor(name, millis(o.Ms), b), in.k, in.v)
}

// excluded is a mistake that Go's types do not let a user make.
type excluded string

func (l *lab) join(o op) built {
	in := l.in(o, 0)
	other := l.in(o, 1)
	f, out := joiner(o.Joiner, in.v, other.v)
	two := func(l, r val) val { return f(nil, l, r) }
	deref := func(p *val) val {
		if p == nil {
			return nil
		}
		return *p
	}
	switch o.Op {
	case "stream_join":
		for _, side := range []string{"-this-join-store", "-outer-this-join-store"} {
			l.types["side "+o.name()+side] = [2]typ{in.k, in.v}
		}
		for _, side := range []string{"-other-join-store", "-outer-other-join-store"} {
			l.types["side "+o.name()+side] = [2]typ{other.k, other.v}
		}
		w := streams.Within(0).WithBefore(millis(o.Before)).WithAfter(millis(o.After)).WithGrace(millis(*o.Grace))
		switch o.Type {
		case "left":
			return l.stream(in.s.LeftJoinWithKey(o.name(), *other.s, w, func(k, l val, r *val) val { return f(k, l, deref(r)) }, o.options()...), in.k, out)
		case "outer":
			return l.stream(in.s.OuterJoinWithKey(o.name(), *other.s, w, func(k val, l, r *val) val { return f(k, deref(l), deref(r)) }, o.options()...), in.k, out)
		}
		return l.stream(in.s.JoinWithKey(o.name(), *other.s, w, f, o.options()...), in.k, out)
	case "stream_table_join":
		var opts []streams.JoinOption
		if o.Grace != nil {
			opts = append(opts, streams.JoinGrace(millis(*o.Grace)))
		}
		if o.Type == "left" {
			return l.stream(in.s.LeftJoinTableWithKey(o.name(), *other.t, func(k, l val, r *val) val { return f(k, l, deref(r)) }, opts...), in.k, out)
		}
		return l.stream(in.s.JoinTableWithKey(o.name(), *other.t, f, opts...), in.k, out)
	case "global_join":
		g, _ := keyMapper(o.Fn, in.k, in.v)
		key := func(k, v val) (val, bool) { gk := g(k, v); return gk, gk != nil }
		if o.Type == "left" {
			return l.stream(in.s.LeftJoinGlobalWithKey(*other.global, key, func(k val, _ *val, l val, r *val) val { return f(k, l, deref(r)) }), in.k, out)
		}
		return l.stream(in.s.JoinGlobalWithKey(*other.global, key, func(k, _, l, r val) val { return f(k, l, r) }), in.k, out)
	case "fk_join":
		g, _ := keyMapper(o.Fn, in.k, in.v)
		name := o.Name
		if name == "" {
			name = "x-" + o.ID
		}
		key := func(k, v val) (val, bool) { fk := g(k, v); return fk, fk != nil }
		if o.Type == "left" {
			return l.storedTable(o, in.t.LeftJoinFK(name, *other.t, key, func(l val, r *val) val { return two(l, deref(r)) }), in.k, out)
		}
		return l.storedTable(o, in.t.JoinFK(name, *other.t, key, two), in.k, out)
	}
	return l.joinTables(o, in, other, two, deref, out)
}

func (l *lab) joinTables(o op, in, other built, f func(l, r val) val, deref func(*val) val, out typ) built {
	left := func(l val, r *val) val { return f(l, deref(r)) }
	outer := func(l, r *val) val { return f(deref(l), deref(r)) }
	if in.w != nil {
		var w streams.WindowedTable[val, val]
		switch o.Type {
		case "left":
			w = in.w.LeftJoin(*other.w, left)
		case "outer":
			w = in.w.OuterJoin(*other.w, outer)
		default:
			w = in.w.Join(*other.w, f)
		}
		if o.Store != "" {
			w = w.Stored(o.name(), typeSerde{out}, o.options()...)
		}
		return l.windowed(w, in.k, out)
	}
	switch o.Type {
	case "left":
		return l.storedTable(o, in.t.LeftJoin(*other.t, left), in.k, out)
	case "outer":
		return l.storedTable(o, in.t.OuterJoin(*other.t, outer), in.k, out)
	}
	return l.storedTable(o, in.t.Join(*other.t, f), in.k, out)
}
