package operator

import (
	"iter"

	"github.com/mainstem-io/mainstem/streams/processor"
)

// Types is the codecs of a stream's key and value, for their nulls.
type Types[K, V any] struct {
	Key   Codec[K]
	Value Codec[V]
}

func (t Types[K, V]) sees(m *Msg[K, V]) bool { return sees(t.Key, m.NoKey) && sees(t.Value, m.NoValue) }

// missing counts a record that a function cannot see.
func (n Node) missing(noKey bool) {
	if noKey {
		n.Task.Drop("null-key")
	} else {
		n.Task.Drop("null-value")
	}
}

// Filter passes what f wants; a null that f cannot see passes (streams.md N2).
func Filter[K, V any](n Node, in Types[K, V], want bool, f func(K, V) bool, out Sink[Msg[K, V]]) Sink[Msg[K, V]] {
	return func(m *Msg[K, V]) {
		if in.sees(m) {
			if yes, ok := call2(n, f, m.Key, m.Value); !ok || yes != want {
				return
			}
		}
		out(m)
	}
}

// MapValues changes the value; f gets the key when withKey is set.
func MapValues[K, V, W any](n Node, in Types[K, V], to Codec[W], withKey bool, f func(K, V) W, out Sink[Msg[K, W]]) Sink[Msg[K, V]] {
	var next Msg[K, W]
	return func(m *Msg[K, V]) {
		next = Msg[K, W]{Key: m.Key, NoKey: m.NoKey, NoValue: true, Time: m.Time, Headers: m.Headers}
		switch {
		case withKey && !sees(in.Key, m.NoKey):
			n.missing(true)
			return
		case sees(in.Value, m.NoValue):
			w, ok := call2(n, f, m.Key, m.Value)
			if !ok {
				return
			}
			next.Value, next.NoValue = w, to.Null(w)
		}
		out(&next)
	}
}

// Map changes key and value.
func Map[K, V, K2, V2 any](n Node, in Types[K, V], to Types[K2, V2], f func(K, V) (K2, V2), out Sink[Msg[K2, V2]]) Sink[Msg[K, V]] {
	var next Msg[K2, V2]
	both := func(k K, v V) pair[K2, V2] {
		k2, v2 := f(k, v)
		return pair[K2, V2]{k2, v2}
	}
	return func(m *Msg[K, V]) {
		if !in.sees(m) {
			n.missing(m.NoKey)
			return
		}
		p, ok := call2(n, both, m.Key, m.Value)
		if !ok {
			return
		}
		next = Msg[K2, V2]{Key: p.k, Value: p.v, NoKey: to.Key.Null(p.k), NoValue: to.Value.Null(p.v), Time: m.Time, Headers: m.Headers}
		out(&next)
	}
}

type pair[K, V any] struct {
	k K
	v V
}

// SelectKey changes the key and leaves the value alone.
func SelectKey[K, V, K2 any](n Node, in Types[K, V], to Codec[K2], f func(K, V) K2, out Sink[Msg[K2, V]]) Sink[Msg[K, V]] {
	var next Msg[K2, V]
	return func(m *Msg[K, V]) {
		if !in.sees(m) {
			n.missing(m.NoKey)
			return
		}
		k, ok := call2(n, f, m.Key, m.Value)
		if !ok {
			return
		}
		next = Msg[K2, V]{Key: k, NoKey: to.Null(k), Value: m.Value, NoValue: m.NoValue, Time: m.Time, Headers: m.Headers}
		out(&next)
	}
}

// FlatMap makes any number of records of one.
func FlatMap[K, V, K2, V2 any](n Node, in Types[K, V], to Types[K2, V2], f func(K, V) iter.Seq2[K2, V2], out Sink[Msg[K2, V2]]) Sink[Msg[K, V]] {
	var next Msg[K2, V2]
	return func(m *Msg[K, V]) {
		if !in.sees(m) {
			n.missing(m.NoKey)
			return
		}
		ok := true
		func() {
			defer n.Task.Catch(processor.Process, n.Name, &ok)
			for k, v := range f(m.Key, m.Value) {
				next = Msg[K2, V2]{Key: k, Value: v, NoKey: to.Key.Null(k), NoValue: to.Value.Null(v), Time: m.Time, Headers: m.Headers}
				out(&next)
			}
		}()
	}
}

// FlatMapValues makes any number of values of one.
func FlatMapValues[K, V, W any](n Node, in Types[K, V], to Codec[W], withKey bool, f func(K, V) iter.Seq[W], out Sink[Msg[K, W]]) Sink[Msg[K, V]] {
	var next Msg[K, W]
	return func(m *Msg[K, V]) {
		if !sees(in.Value, m.NoValue) || withKey && !sees(in.Key, m.NoKey) {
			n.missing(m.NoKey && !m.NoValue)
			return
		}
		ok := true
		func() {
			defer n.Task.Catch(processor.Process, n.Name, &ok)
			for w := range f(m.Key, m.Value) {
				next = Msg[K, W]{Key: m.Key, NoKey: m.NoKey, Value: w, NoValue: to.Null(w), Time: m.Time, Headers: m.Headers}
				out(&next)
			}
		}()
	}
}

// Peek shows each record.
func Peek[K, V any](n Node, f func(processor.Record[K, V]) error, out Sink[Msg[K, V]]) Sink[Msg[K, V]] {
	return func(m *Msg[K, V]) {
		err, ok := call(n, f, record(m))
		if ok && err != nil {
			n.Task.Handle(processor.Process, n.Name, err)
			ok = false
		}
		if ok {
			out(m)
		}
	}
}

// Try is a mapping of values that may fail.
func Try[K, V, W any](n Node, to Codec[W], f func(processor.Record[K, V]) (W, error), out Sink[Msg[K, W]]) Sink[Msg[K, V]] {
	var next Msg[K, W]
	return func(m *Msg[K, V]) {
		var w W
		err, ok := call(n, func(r processor.Record[K, V]) (err error) {
			w, err = f(r)
			return err
		}, record(m))
		if ok && err != nil {
			n.Task.Handle(processor.Process, n.Name, err)
			ok = false
		}
		if ok {
			next = Msg[K, W]{Key: m.Key, NoKey: m.NoKey, Value: w, NoValue: to.Null(w), Time: m.Time, Headers: m.Headers}
			out(&next)
		}
	}
}

// Branch is one way out of a split.
type Branch[K, V any] struct {
	Want func(K, V) bool // nil takes everything
	Out  Sink[Msg[K, V]]
}

// Split sends each record to the first branch that wants it.
func Split[K, V any](n Node, in Types[K, V], branches []Branch[K, V]) Sink[Msg[K, V]] {
	return func(m *Msg[K, V]) {
		for _, b := range branches {
			if b.Want != nil {
				if !in.sees(m) {
					n.missing(m.NoKey)
					return
				}
				yes, ok := call2(n, b.Want, m.Key, m.Value)
				if !ok {
					return
				}
				if !yes {
					continue
				}
			}
			b.Out(m)
			return
		}
	}
}

// DropNullKeys stands before a repartition topic; what it drops is not counted (4.3.1).
func DropNullKeys[K, V any](out Sink[Msg[K, V]]) Sink[Msg[K, V]] {
	return func(m *Msg[K, V]) {
		if !m.NoKey {
			out(m)
		}
	}
}
