package streams_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mainstem-io/mainstem/streams"
)

type (
	vctx    = streams.Context[val, val]
	vrec    = streams.Record[val, val]
	vstore  = streams.KVStore[val, val]
	vwindow = streams.WindowStore[val, val]
)

// proc is a processor of the vocabulary.
type proc struct {
	init func(c *vctx) error
	each func(c *vctx, r vrec) error
}

func (p *proc) Init(c *vctx) error {
	if p.init != nil {
		return p.init(c)
	}
	return nil
}

func (p *proc) Process(c *vctx, r vrec) error { return p.each(c, r) }

// stores is the handles that a processor was given.
type stores struct {
	kv  []vstore
	win []vwindow
}

// processorOf makes a processor and names the type of its values.
func processorOf(id string, in typ, st stores) (newP func() streams.Processor[val, val, val, val], out typ) {
	name, arg := split(id)
	s := simple("string")
	plain := func(f func(c *vctx, r vrec) error) func() streams.Processor[val, val, val, val] {
		return func() streams.Processor[val, val, val, val] { return &proc{each: f} }
	}
	forward := func(f func(c *vctx, r vrec) vrec) func() streams.Processor[val, val, val, val] {
		return plain(func(c *vctx, r vrec) error { c.Forward(f(c, r)); return nil })
	}
	with := func(r vrec, v val) vrec {
		r.Value, r.NullValue = v, v == nil
		return r
	}
	switch name {
	case "passthrough":
		return forward(func(_ *vctx, r vrec) vrec { return r }), in
	case "drop":
		return plain(func(*vctx, vrec) error { return nil }), in
	case "twice":
		return plain(func(c *vctx, r vrec) error { c.Forward(r); c.Forward(r); return nil }), in
	case "nullKeyOut":
		return forward(func(_ *vctx, r vrec) vrec { r.Key, r.NullKey = nil, true; return r }), in
	case "tsMinus":
		return forward(func(_ *vctx, r vrec) vrec { r.Time = r.Time.Add(-time.Duration(ms(arg)) * time.Millisecond); return r }), in
	case "tsPlus":
		return forward(func(_ *vctx, r vrec) vrec { r.Time = r.Time.Add(time.Duration(ms(arg)) * time.Millisecond); return r }), in
	case "addHeader":
		k, v, _ := strings.Cut(arg, "=")
		return forward(func(_ *vctx, r vrec) vrec {
			r.Headers = append(append([]streams.Header{}, r.Headers...), streams.Header{Key: k, Value: []byte(v)})
			return r
		}), in
	case "clearHeaders":
		return forward(func(_ *vctx, r vrec) vrec { r.Headers = nil; return r }), in
	case "headersToValue":
		return forward(func(_ *vctx, r vrec) vrec {
			t := text(r.Value) + "["
			for i, h := range r.Headers {
				if i > 0 {
					t += ","
				}
				v := "null"
				if h.Value != nil {
					v = string(h.Value)
				}
				t += h.Key + "=" + v
			}
			return with(r, str(t+"]"))
		}), s
	case "meta":
		return forward(func(c *vctx, r vrec) vrec {
			t := "null/-1/-1"
			if src, ok := c.Source(); ok {
				t = fmt.Sprintf("%s/%d/%d", src.Topic, src.Partition, src.Offset)
			}
			return with(r, str(t+":"+text(r.Value)))
		}), s
	case "streamTime":
		return forward(func(c *vctx, r vrec) vrec {
			at, _ := c.StreamTime()
			return with(r, str(text(r.Value)+"@"+strconv.FormatInt(at.UnixMilli(), 10)))
		}), s
	case "wallTime":
		return forward(func(c *vctx, r vrec) vrec {
			return with(r, str(text(r.Value)+"@"+strconv.FormatInt(c.Now().UnixMilli(), 10)))
		}), s
	case "commit":
		return plain(func(c *vctx, r vrec) error { c.RequestCommit(); c.Forward(r); return nil }), in
	}
	if p, out, ok := storing(name, arg, in, st); ok {
		return p, out
	}
	return punctuating(name, arg, in, st)
}

// storing is the processors that keep something per key.
func storing(name, arg string, in typ, st stores) (newP func() streams.Processor[val, val, val, val], out typ, ok bool) {
	s := simple("string")
	plain := func(f func(c *vctx, r vrec) error) func() streams.Processor[val, val, val, val] {
		return func() streams.Processor[val, val, val, val] { return &proc{each: f} }
	}
	emit := func(c *vctx, r vrec, v val) error {
		r.Value, r.NullValue = v, v == nil
		c.Forward(r)
		return nil
	}
	var kv vstore
	if len(st.kv) > 0 {
		kv = st.kv[0]
	}
	switch name {
	case "countStore":
		return plain(func(c *vctx, r vrec) error {
			if r.Key == nil {
				return emit(c, r, num(-1))
			}
			old, _, err := kv.Get(c, r.Key)
			if err != nil {
				return err
			}
			n := num(orZero(old) + 1)
			if err := kv.Put(c, r.Key, n); err != nil {
				return err
			}
			return emit(c, r, n)
		}), simple("int64"), true
	case "storePut":
		return plain(func(c *vctx, r vrec) error { return kv.Put(c, r.Key, r.Value) }), in, true
	case "lookup":
		return plain(func(c *vctx, r vrec) error {
			var found val
			if r.Key != nil {
				v, _, err := kv.Get(c, r.Key)
				if err != nil {
					return err
				}
				found = v
			}
			return emit(c, r, str(text(r.Value)+"/"+text(found)))
		}), s, true
	case "dedup":
		return plain(func(c *vctx, r vrec) error {
			if r.Key == nil || r.Value == nil {
				return nil
			}
			old, _, err := kv.Get(c, r.Key)
			if err != nil || text(old) == text(r.Value) && old != nil {
				return err
			}
			if err := kv.Put(c, r.Key, r.Value); err != nil {
				return err
			}
			return emit(c, r, r.Value)
		}), in, true
	case "putTwice":
		return plain(func(c *vctx, r vrec) error {
			_ = kv.Put(c, r.Key, str(text(r.Value)+"1"))
			_ = kv.Put(c, r.Key, str(text(r.Value)+"2"))
			x := str(text(r.Key) + "x")
			old, _, err := kv.PutIfAbsent(c, x, r.Value)
			if err != nil {
				return err
			}
			now, _, _ := kv.Get(c, r.Key)
			return emit(c, r, str(text(now)+"/"+text(old)))
		}), s, true
	case "rangeConcat":
		return plain(func(c *vctx, r vrec) error {
			if err := kv.Put(c, r.Key, r.Value); err != nil {
				return err
			}
			t := ""
			if err := kv.Range(c, nil, &r.Key, func(k, v val) bool { t += text(k) + "=" + text(v) + ";"; return true }); err != nil {
				return err
			}
			return emit(c, r, str(t))
		}), s, true
	case "winCount":
		n, win := ms(arg), vwindow{}
		if len(st.win) > 0 {
			win = st.win[0]
		}
		return plain(func(c *vctx, r vrec) error {
			if err := win.Put(c, r.Key, r.Time, r.Value); err != nil {
				return err
			}
			found := int64(0)
			err := win.Fetch(c, r.Key, r.Time.Add(-time.Duration(n)*time.Millisecond), r.Time, func(time.Time, val) bool { found++; return true })
			if err != nil {
				return err
			}
			return emit(c, r, num(found))
		}), simple("int64"), true
	}
	return nil, in, false
}

// punctuating is the processors with schedules.
func punctuating(name, arg string, in typ, st stores) (newP func() streams.Processor[val, val, val, val], out typ) {
	s := simple("string")
	from, every, anchored := strings.Cut(arg, "/")
	if !anchored {
		every = arg
	}
	interval := time.Duration(ms(every)) * time.Millisecond
	textual := func(c *vctx, r vrec) error {
		r.Key, r.Value = str(text(r.Key)), str(text(r.Value))
		r.NullKey, r.NullValue = false, false
		c.Forward(r)
		return nil
	}
	punct := func(c *vctx, clock streams.Clock) func(time.Time) error {
		letter := "s"
		if clock == streams.WallClock {
			letter = "w"
		}
		return func(at time.Time) error {
			c.Forward(vrec{Key: str("punct"), Value: str(letter + strconv.FormatInt(at.UnixMilli(), 10)), Time: at})
			return nil
		}
	}
	with := func(init func(c *vctx) error) func() streams.Processor[val, val, val, val] {
		return func() streams.Processor[val, val, val, val] { return &proc{init: init, each: textual} }
	}
	switch name {
	case "punctStream":
		return with(func(c *vctx) error { c.Every(interval, streams.StreamTime, punct(c, streams.StreamTime)); return nil }), s
	case "punctWall":
		return with(func(c *vctx) error { c.Every(interval, streams.WallClock, punct(c, streams.WallClock)); return nil }), s
	case "punctBoth":
		return with(func(c *vctx) error {
			c.Every(interval, streams.StreamTime, punct(c, streams.StreamTime))
			c.Every(interval, streams.WallClock, punct(c, streams.WallClock))
			return nil
		}), s
	case "punctStreamFrom", "punctWallFrom":
		clock := streams.StreamTime
		if name == "punctWallFrom" {
			clock = streams.WallClock
		}
		return with(func(c *vctx) error {
			c.Every(interval, clock, punct(c, clock), streams.AnchoredAt(time.UnixMilli(ms(from))))
			return nil
		}), s
	case "punctCancel":
		return with(func(c *vctx) error {
			calls := 0
			var p interface{ Cancel() }
			f := punct(c, streams.StreamTime)
			p = c.Every(interval, streams.StreamTime, func(at time.Time) error {
				if calls++; calls == 2 {
					p.Cancel()
				}
				return f(at)
			})
			return nil
		}), s
	case "flushStream", "flushWall":
		clock := streams.StreamTime
		if name == "flushWall" {
			clock = streams.WallClock
		}
		return func() streams.Processor[val, val, val, val] {
			return &proc{
				init: func(c *vctx) error {
					c.Every(interval, clock, func(at time.Time) error { return flush(c, st.kv[0], at) })
					return nil
				},
				each: func(c *vctx, r vrec) error {
					if r.Key == nil {
						return nil
					}
					return st.kv[0].Put(c, r.Key, r.Value)
				},
			}
		}, in
	}
	unknown("processor", name)
	return nil, in
}

func flush(c *vctx, kv vstore, at time.Time) error {
	var keys, values []val
	if err := kv.Range(c, nil, nil, func(k, v val) bool { keys, values = append(keys, k), append(values, v); return true }); err != nil {
		return err
	}
	for i, k := range keys {
		c.Forward(vrec{Key: k, Value: values[i], Time: at})
		if err := kv.Delete(c, k); err != nil {
			return err
		}
	}
	return nil
}

// updater keeps a global or read-only store.
func updater(id string, kv vstore) func() streams.Processor[val, val, val, val] {
	return func() streams.Processor[val, val, val, val] {
		return &proc{each: func(c *vctx, r vrec) error {
			v := r.Value
			if r.Key == nil {
				return nil
			}
			if id == "putUpper" && v != nil {
				v = str(strings.ToUpper(text(v)))
			}
			return kv.Put(c, r.Key, v)
		}}
	}
}

// tableProc is a table transformer of the vocabulary.
type tableProc struct {
	f func(c *vctx, r vrec) (val, error)
}

func (p tableProc) Process(c *vctx, r vrec) (val, bool, error) {
	v, err := p.f(c, r)
	return v, v == nil, err
}

func transformer(id string, st stores) func() streams.TableProcessor[val, val, val] {
	f := func(_ *vctx, r vrec) (val, error) { return nil, fmt.Errorf("no transformer") }
	switch id {
	case "withKey":
		f = func(_ *vctx, r vrec) (val, error) {
			if r.Value == nil {
				return nil, nil
			}
			return str(text(r.Key) + ":" + text(r.Value)), nil
		}
	case "orNone":
		f = func(_ *vctx, r vrec) (val, error) {
			if r.Value == nil {
				return str("none"), nil
			}
			return r.Value, nil
		}
	case "callCount":
		f = func(c *vctx, r vrec) (val, error) {
			old, _, err := st.kv[0].Get(c, r.Key)
			if err != nil {
				return nil, err
			}
			n := orZero(old) + 1
			if err := st.kv[0].Put(c, r.Key, num(n)); err != nil || r.Value == nil {
				return nil, err
			}
			return str(text(r.Value) + "#" + strconv.FormatInt(n, 10)), nil
		}
	default:
		unknown("table transformer", id)
	}
	return func() streams.TableProcessor[val, val, val] { return tableProc{f} }
}

// timeWindowed is the serde of a time-windowed key; size 0 or MaxInt64 has no end.
func timeWindowed(inner streams.Serde[val], size int64) streams.Serde[streams.Windowed[val]] {
	if size == math.MaxInt64 {
		size = 0
	}
	return streams.TimeWindowed(inner, time.Duration(size)*time.Millisecond)
}
