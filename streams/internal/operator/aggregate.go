package operator

// Aggregate folds a stream by key (streams.md 6). The first update of a key has the initial value as its old one, not a null;
// with First set there is no initial value: the first record is the aggregate (reduce).
type Aggregate[K, V, A any] struct {
	Node
	In      Types[K, V]
	Agg     Codec[A]
	Init    func() A
	First   func(V) A // reduce
	Add     func(K, V, A) A
	Rows    Rows[K, A]
	SendOld bool
	Out     Sink[Change[K, A]]
	next    Change[K, A]
}

// Sink takes a record.
func (o *Aggregate[K, V, A]) Sink(m *Msg[K, V]) {
	if m.NoKey || m.NoValue {
		o.missing(m.NoKey)
		return
	}
	old, oldTime, had := o.Rows.Get(m.Key)
	ts := m.Time
	if had {
		ts = max(ts, oldTime)
	}
	agg, oldNull, ok := o.fold(m, old, had)
	if !ok {
		return
	}
	null := o.Agg.Null(agg)
	latest, kept := o.Rows.Put(m.Key, agg, null, stampOf(null, m.Time, ts), m.Headers)
	if !kept {
		return
	}
	o.next = Change[K, A]{Key: m.Key, New: agg, NoNew: null, NoOld: true, Time: ts, Headers: m.Headers, Stale: !latest}
	if o.SendOld && !oldNull.null {
		o.next.Old, o.next.NoOld = oldNull.v, false
	}
	o.Out(&o.next)
}

// stampOf is the time of a store's write: a delete is stamped with the record at hand.
func stampOf(null bool, record, row int64) int64 {
	if null {
		return record
	}
	return row
}

type nullable[A any] struct {
	v    A
	null bool
}

func (o *Aggregate[K, V, A]) fold(m *Msg[K, V], old A, had bool) (agg A, was nullable[A], ok bool) {
	if !had {
		if o.First != nil {
			agg, ok = call(o.Node, o.First, m.Value)
			return agg, nullable[A]{null: true}, ok
		}
		if old, ok = initial(o.Node, o.Init); !ok {
			return agg, was, false
		}
	}
	agg, ok = call3(o.Node, o.Add, m.Key, m.Value, old)
	return agg, nullable[A]{old, o.Agg.Null(old)}, ok
}

func initial[A any](n Node, f func() A) (a A, ok bool) {
	return call(n, func(struct{}) A { return f() }, struct{}{})
}

// TableAggregate folds the rows of a grouped table: an old row is subtracted before a new one is added.
type TableAggregate[K, V, A any] struct {
	Node
	Agg     Codec[A]
	Init    func() A // nil: reduce, the first value is the aggregate
	First   func(V) A
	Add     func(K, V, A) A
	Sub     func(K, V, A) A
	Rows    Rows[K, A]
	SendOld bool
	Out     Sink[Change[K, A]]
	next    Change[K, A]
}

// Sink takes an update of a group.
func (o *TableAggregate[K, V, A]) Sink(c *Change[K, V]) {
	old, oldTime, had := o.Rows.Get(c.Key)
	mid, midNull, ts := old, !had, c.Time
	if !c.NoOld && had {
		var ok bool
		if mid, ok = call3(o.Node, o.Sub, c.Key, c.Old, old); !ok {
			return
		}
		midNull, ts = o.Agg.Null(mid), max(c.Time, oldTime)
	}
	agg, null := mid, midNull
	if !c.NoNew {
		var ok bool
		if agg, ok = o.add(c, mid, midNull); !ok {
			return
		}
		null = o.Agg.Null(agg)
		if had && (o.Init != nil || !midNull) {
			ts = max(c.Time, oldTime)
		}
	}
	latest, kept := o.Rows.Put(c.Key, agg, null, stampOf(null, c.Time, ts), c.Headers)
	if !kept {
		return
	}
	o.next = Change[K, A]{Key: c.Key, New: agg, NoNew: null, NoOld: true, Time: ts, Headers: c.Headers, Stale: !latest}
	if o.SendOld && had {
		o.next.Old, o.next.NoOld = old, false
	}
	o.Out(&o.next)
}

func (o *TableAggregate[K, V, A]) add(c *Change[K, V], mid A, none bool) (A, bool) {
	if none {
		if o.Init == nil {
			return call(o.Node, o.First, c.New)
		}
		var ok bool
		if mid, ok = initial(o.Node, o.Init); !ok {
			return mid, false
		}
	}
	return call3(o.Node, o.Add, c.Key, c.New, mid)
}
