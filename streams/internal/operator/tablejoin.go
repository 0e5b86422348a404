package operator

// TableJoin joins two tables by key: an update of either side looks up the other (streams.md 9.3). The result's time is the later
// of both, for tombstones too.
type TableJoin[K, V, W, R any] struct {
	Node
	KeepLeft  bool // a left row without a right one is in the result
	KeepRight bool
	Join      func(*V, *W) R
	Result    Codec[R]
	LeftRows  Getter[K, V]
	RightRows Getter[K, W]
	LeftHist  bool // the left input has a history: its stale rows are ignored
	RightHist bool
	SendOld   bool
	Out       Sink[Change[K, R]]
	next      Change[K, R]
}

// SinkLeft takes an update of the left table.
func (o *TableJoin[K, V, W, R]) SinkLeft(c *Change[K, V]) {
	if o.LeftHist && c.Stale {
		o.Task.Drop("out-of-order")
		return
	}
	w, wt, had := o.RightRows.Get(c.Key)
	var other *W
	ts := c.Time
	if had {
		other, ts = &w, max(ts, wt)
	} else if !o.KeepLeft || c.NoNew && c.NoOld {
		return
	}
	o.forward(c.Key, ts, c.Headers, c.Stale,
		o.of(pointer(&c.New, c.NoNew), other), o.of(pointer(&c.Old, c.NoOld), other))
}

// SinkRight takes an update of the right table.
func (o *TableJoin[K, V, W, R]) SinkRight(c *Change[K, W]) {
	if o.RightHist && c.Stale {
		o.Task.Drop("out-of-order")
		return
	}
	v, vt, had := o.LeftRows.Get(c.Key)
	var other *V
	ts := c.Time
	if had {
		other, ts = &v, max(ts, vt)
	} else if !o.KeepRight || c.NoNew && c.NoOld {
		return
	}
	o.forward(c.Key, ts, c.Headers, c.Stale,
		o.of(other, pointer(&c.New, c.NoNew)), o.of(other, pointer(&c.Old, c.NoOld)))
}

func pointer[T any](v *T, none bool) *T {
	if none {
		return nil
	}
	return v
}

// sides is a row of the result before it is joined.
type sides[V, W any] struct {
	v *V
	w *W
}

func (o *TableJoin[K, V, W, R]) of(v *V, w *W) sides[V, W] { return sides[V, W]{v, w} }

// row joins two sides; null when the join has no such row.
func (o *TableJoin[K, V, W, R]) row(s sides[V, W]) (r R, null, ok bool) {
	if s.v == nil && s.w == nil || s.v == nil && !o.KeepRight || s.w == nil && !o.KeepLeft {
		return r, true, true
	}
	r, ok = call2(o.Node, o.Join, s.v, s.w)
	return r, o.Result.Null(r), ok
}

func (o *TableJoin[K, V, W, R]) forward(key K, ts int64, headers headersOf, stale bool, now, before sides[V, W]) {
	o.next = Change[K, R]{Key: key, NoOld: true, Time: ts, Headers: headers, Stale: stale}
	var ok bool
	if o.next.New, o.next.NoNew, ok = o.row(now); !ok {
		return
	}
	if o.SendOld {
		if o.next.Old, o.next.NoOld, ok = o.row(before); !ok {
			return
		}
	}
	o.Out(&o.next)
}

// Get implements Getter: the joined row, computed.
func (o *TableJoin[K, V, W, R]) Get(key K) (r R, ts int64, ok bool) {
	v, vt, hadV := o.LeftRows.Get(key)
	w, wt, hadW := o.RightRows.Get(key)
	r, null, ok := o.row(sides[V, W]{pointer(&v, !hadV), pointer(&w, !hadW)})
	switch {
	case hadV && hadW:
		ts = max(vt, wt)
	case hadV:
		ts = vt
	default:
		ts = wt
	}
	return r, ts, ok && !null
}

// GetAsOf implements Getter; a join has no history.
func (o *TableJoin[K, V, W, R]) GetAsOf(key K, _ int64) (R, int64, bool) { return o.Get(key) }

// Stored writes a table's rows on their way: the result of a join that has a store.
func Stored[K, V any](rows Rows[K, V], out Sink[Change[K, V]]) Sink[Change[K, V]] {
	return func(c *Change[K, V]) {
		latest, kept := rows.Put(c.Key, c.New, c.NoNew, c.Time, c.Headers)
		if !kept {
			return
		}
		c.Stale = !latest
		out(c)
	}
}
