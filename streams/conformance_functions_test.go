package streams_test

import (
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/mainstem-io/mainstem/streams"
)

// The functions of the vocabulary (README of the vectors). An id is name or name:argument; an unknown one panics.

func split(id string) (name, arg string) {
	name, arg, _ = strings.Cut(id, ":")
	return name, arg
}

func ms(arg string) int64 {
	n, err := strconv.ParseInt(arg, 10, 64)
	if err != nil {
		panic("bad number in a function: " + arg)
	}
	return n
}

func unknown(kind, id string) { panic("the vocabulary has no " + kind + " " + id) }

func first(v val) val {
	if v == nil || text(v) == "" {
		return nil
	}
	return str(string([]rune(text(v))[:1]))
}

func predicate(id string) func(k, v val) bool {
	name, arg := split(id)
	has := func(v val) bool { return v != nil && strings.Contains(text(v), arg) }
	is := func(v val) bool { return v != nil && text(v) == arg }
	switch name {
	case "true":
		return func(_, _ val) bool { return true }
	case "false":
		return func(_, _ val) bool { return false }
	case "valueHas":
		return func(_, v val) bool { return has(v) }
	case "valueIs":
		return func(_, v val) bool { return is(v) }
	case "keyIs":
		return func(k, _ val) bool { return is(k) }
	case "keyHas":
		return func(k, _ val) bool { return has(k) }
	case "valueNotNull":
		return func(_, v val) bool { return v != nil }
	case "keyNotNull":
		return func(k, _ val) bool { return k != nil }
	case "valueGt":
		n := ms(arg)
		return func(_, v val) bool { return v != nil && v.i > n }
	case "valueEven":
		return func(_, v val) bool { return v != nil && v.i%2 == 0 }
	case "failIfValueHas":
		return func(_, v val) bool {
			if has(v) {
				panic("boom")
			}
			return true
		}
	}
	unknown("predicate", id)
	return nil
}

// valueMapper is a function and the type of its result, from that of its input.
func valueMapper(id string, in typ) (f func(k, v val) val, out typ) {
	name, arg := split(id)
	s := simple("string")
	nn := func(f func(val) val) func(k, v val) val {
		return func(_, v val) val {
			if v == nil {
				return nil
			}
			return f(v)
		}
	}
	switch name {
	case "identity":
		return func(_, v val) val { return v }, in
	case "toNull":
		return func(_, _ val) val { return nil }, in
	case "upper":
		return nn(func(v val) val { return str(strings.ToUpper(text(v))) }), s
	case "lower":
		return nn(func(v val) val { return str(strings.ToLower(text(v))) }), s
	case "len":
		return nn(func(v val) val { return num(int64(len([]rune(text(v))))) }), simple("int64")
	case "append":
		return nn(func(v val) val { return str(text(v) + arg) }), s
	case "firstChar":
		return nn(first), s
	case "nullIf":
		return nn(func(v val) val {
			if text(v) == arg {
				return nil
			}
			return v
		}), in
	case "orNone":
		return func(_, v val) val {
			if v == nil {
				return str("none")
			}
			return v
		}, in
	case "parse":
		return nn(func(v val) val {
			n, err := strconv.ParseInt(text(v), 10, 64)
			if err != nil || len(strings.TrimPrefix(text(v), "-")) > 18 || strings.HasPrefix(text(v), "+") {
				return nil
			}
			return num(n)
		}), simple("int64")
	case "str":
		return nn(func(v val) val { return str(text(v)) }), s
	case "plus":
		return nn(func(v val) val { return num(v.i + ms(arg)) }), simple("int64")
	case "half":
		return nn(func(v val) val { return dbl(float64(v.i) / 2) }), simple("double")
	case "withKey":
		return func(k, v val) val { return str(text(k) + ":" + text(v)) }, s
	case "failIf":
		return nn(func(v val) val {
			if strings.Contains(text(v), arg) {
				panic("boom")
			}
			return v
		}), in
	}
	unknown("value mapper", id)
	return nil, in
}

func keyMapper(id string, k, v typ) (f func(k, v val) val, out typ) {
	name, arg := split(id)
	s := simple("string")
	switch name {
	case "keepKey":
		return func(k, _ val) val { return k }, k
	case "valueAsKey":
		return func(_, v val) val { return v }, v
	case "firstCharOfValue":
		return func(_, v val) val { return first(v) }, s
	case "firstCharOfKey":
		return func(k, _ val) val { return first(k) }, s
	case "nullKey":
		return func(_, _ val) val { return nil }, k
	case "constKey":
		return func(_, _ val) val { return str(arg) }, s
	case "appendKey":
		return func(k, _ val) val {
			if k == nil {
				return nil
			}
			return str(text(k) + arg)
		}, s
	case "lenAsKey":
		return func(_, v val) val {
			if v == nil {
				return nil
			}
			return num(int64(len([]rune(text(v)))))
		}, simple("int64")
	case "windowKey":
		if k.inner == nil {
			unknown("key mapper of a key without a window", id)
		}
		return func(k, _ val) val { return k.inner }, *k.inner
	case "keyText":
		return func(k, _ val) val { return str(text(k)) }, s
	case "nullKeyIf":
		return func(k, v val) val {
			if v != nil && strings.Contains(text(v), arg) {
				return nil
			}
			return k
		}, k
	}
	unknown("key mapper", id)
	return nil, k
}

func pairMapper(id string, k, v typ) (f func(k, v val) (val, val), kt, vt typ) {
	s := simple("string")
	switch name, _ := split(id); name {
	case "swap":
		return func(k, v val) (val, val) { return v, k }, v, k
	case "upperBoth":
		up := func(v val) val {
			if v == nil {
				return nil
			}
			return str(strings.ToUpper(text(v)))
		}
		return func(k, v val) (val, val) { return up(k), up(v) }, s, s
	case "firstCharThenRest":
		return func(_, v val) (val, val) {
			if v == nil || text(v) == "" {
				return nil, nil
			}
			return first(v), str(string([]rune(text(v))[1:]))
		}, s, s
	case "firstCharKeyLen":
		return func(_, v val) (val, val) {
			if v == nil {
				return nil, nil
			}
			return first(v), num(int64(len([]rune(text(v)))))
		}, s, simple("int64")
	case "nullPair":
		return func(_, _ val) (val, val) { panic("no pair") }, k, v
	}
	g, kt := keyMapper(id, k, v)
	return func(k, v val) (val, val) { return g(k, v), v }, kt, v
}

func words(v val) []string {
	var out []string
	if v != nil {
		for w := range strings.SplitSeq(text(v), " ") {
			if w != "" {
				out = append(out, w)
			}
		}
	}
	return out
}

func flatMapper(id string, k typ) (f func(k, v val) iter.Seq2[val, val], kt, vt typ) {
	name, arg := split(id)
	s := simple("string")
	switch name {
	case "words":
		return func(_, v val) iter.Seq2[val, val] {
			return func(yield func(val, val) bool) {
				for _, w := range words(v) {
					if !yield(str(w), str(w)) {
						return
					}
				}
			}
		}, s, s
	case "wordsToKey":
		return func(k, v val) iter.Seq2[val, val] {
			return func(yield func(val, val) bool) {
				for _, w := range words(v) {
					if !yield(str(w), k) {
						return
					}
				}
			}
		}, s, k
	case "dup":
		n := ms(arg)
		return func(k, v val) iter.Seq2[val, val] {
			return func(yield func(val, val) bool) {
				for i := range n {
					if !yield(k, str(text(v)+"#"+strconv.FormatInt(i, 10))) {
						return
					}
				}
			}
		}, k, s
	}
	unknown("flat pair mapper", id)
	return nil, k, s
}

func flatValueMapper(id string) func(k, v val) iter.Seq[val] {
	name, arg := split(id)
	list := func(f func(k, v val) []val) func(k, v val) iter.Seq[val] {
		return func(k, v val) iter.Seq[val] {
			return func(yield func(val) bool) {
				for _, x := range f(k, v) {
					if !yield(x) {
						return
					}
				}
			}
		}
	}
	switch name {
	case "words":
		return list(func(_, v val) (out []val) {
			for _, w := range words(v) {
				out = append(out, str(w))
			}
			return out
		})
	case "dup":
		n := ms(arg)
		return list(func(_, v val) (out []val) {
			for i := range n {
				out = append(out, str(text(v)+"#"+strconv.FormatInt(i, 10)))
			}
			return out
		})
	case "keyAndValue":
		orNull := func(v val) val {
			if v == nil {
				return nil
			}
			return str(text(v))
		}
		return list(func(k, v val) []val { return []val{orNull(k), orNull(v)} })
	}
	unknown("flat value mapper", id)
	return nil
}

func joiner(id string, l, r typ) (f func(k, l, r val) val, out typ) {
	name, arg := split(id)
	s := simple("string")
	dash := func(l, r val) val { return str(text(l) + "-" + text(r)) }
	switch name {
	case "dash":
		return func(_, l, r val) val { return dash(l, r) }, s
	case "dashKey":
		return func(k, l, r val) val { return str(text(k) + ":" + text(l) + "-" + text(r)) }, s
	case "left":
		return func(_, l, _ val) val { return l }, l
	case "right":
		return func(_, _, r val) val { return r }, r
	case "sum":
		return func(_, l, r val) val { return num(orZero(l) + orZero(r)) }, simple("int64")
	case "nullIfSame":
		return func(_, l, r val) val {
			if text(l) == text(r) {
				return nil
			}
			return dash(l, r)
		}, s
	case "nullIfRightHas":
		return func(_, l, r val) val {
			if strings.Contains(text(r), arg) {
				return nil
			}
			return dash(l, r)
		}, s
	}
	unknown("joiner", id)
	return nil, s
}

func orZero(v val) int64 {
	if v == nil {
		return 0
	}
	return v.i
}

// aggregator is the four functions of an aggregation.
type aggregator struct {
	init  func() val
	add   func(k, v, a val) val
	sub   func(k, v, a val) val
	merge func(k, a, b val) val
	out   typ
}

func aggregation(id string) aggregator {
	name, arg := split(id)
	s := simple("string")
	empty := func() val { return str("") }
	bar := func(_, a, b val) val { return str(text(a) + "|" + text(b)) }
	has := func(v val) bool { return strings.Contains(text(v), arg) }
	switch name {
	case "concat":
		return aggregator{empty, func(_, v, a val) val { return str(text(a) + "+" + text(v)) }, func(_, v, a val) val { return str(text(a) + "-" + text(v)) }, bar, s}
	case "keyed":
		return aggregator{empty,
			func(k, v, a val) val { return str(text(a) + "+" + text(k) + "=" + text(v)) },
			func(k, v, a val) val { return str(text(a) + "-" + text(k) + "=" + text(v)) },
			func(k, a, b val) val { return str(text(a) + "|" + text(k) + "|" + text(b)) }, s}
	case "initNull":
		return aggregator{func() val { return nil }, func(_, v, a val) val {
			if a == nil {
				return str("=" + text(v))
			}
			return str(text(a) + "+" + text(v))
		}, func(_, v, a val) val { return str(text(a) + "-" + text(v)) }, bar, s}
	case "nullOn":
		return aggregator{empty, func(_, v, a val) val {
			if has(v) {
				return nil
			}
			return str(text(a) + "+" + text(v))
		}, func(_, v, a val) val {
			if has(v) {
				return nil
			}
			return str(text(a) + "-" + text(v))
		}, func(_, a, b val) val {
			if a == nil || b == nil {
				return nil
			}
			return str(text(a) + "|" + text(b))
		}, s}
	case "last":
		return aggregator{empty, func(_, v, _ val) val {
			if v == nil {
				return nil
			}
			return str(text(v))
		}, func(_, _, a val) val { return a }, func(_, _, b val) val { return b }, s}
	}
	return numeric(name, id)
}

func numeric(name, id string) aggregator {
	zero := func() val { return num(0) }
	plus := func(_, a, b val) val { return num(orZero(a) + orZero(b)) }
	i := simple("int64")
	length := func(v val) int64 { return int64(len([]rune(text(v)))) }
	nz := func(n int64) val {
		if n == 0 {
			return nil
		}
		return num(n)
	}
	switch name {
	case "sum":
		return aggregator{zero, func(_, v, a val) val { return num(orZero(a) + orZero(v)) }, func(_, v, a val) val { return num(orZero(a) - orZero(v)) }, plus, i}
	case "sumNullZero":
		return aggregator{zero, func(_, v, a val) val { return nz(orZero(a) + orZero(v)) }, func(_, v, a val) val { return nz(orZero(a) - orZero(v)) },
			func(_, a, b val) val { return nz(orZero(a) + orZero(b)) }, i}
	case "max":
		m := func(v val) int64 {
			if v == nil {
				return -1
			}
			return v.i
		}
		return aggregator{func() val { return num(-1) }, func(_, v, a val) val { return num(max(m(a), m(v))) }, func(_, _, a val) val { return a },
			func(_, a, b val) val { return num(max(m(a), m(b))) }, i}
	case "count":
		return aggregator{zero, func(_, _, a val) val { return num(orZero(a) + 1) }, func(_, _, a val) val { return num(orZero(a) - 1) }, plus, i}
	case "lenSum":
		return aggregator{zero, func(_, v, a val) val { return num(orZero(a) + length(v)) }, func(_, v, a val) val { return num(orZero(a) - length(v)) }, plus, i}
	}
	unknown("aggregator", id)
	return aggregator{}
}

func reducer(id string) func(old, v val) val {
	name, arg := split(id)
	switch name {
	case "concat":
		return func(o, v val) val { return str(text(o) + "+" + text(v)) }
	case "concatSub":
		return func(o, v val) val { return str(text(o) + "-" + text(v)) }
	case "sum":
		return func(o, v val) val { return num(orZero(o) + orZero(v)) }
	case "diff":
		return func(o, v val) val { return num(orZero(o) - orZero(v)) }
	case "max":
		return func(o, v val) val { return num(max(o.i, v.i)) }
	case "first":
		return func(o, _ val) val { return o }
	case "last":
		return func(_, v val) val { return v }
	case "nullOn":
		return func(o, v val) val {
			if strings.Contains(text(v), arg) {
				return nil
			}
			return str(text(o) + "+" + text(v))
		}
	}
	unknown("reducer", id)
	return nil
}

func topicOptions(id string) []streams.TopicOption {
	byValue := func(otherwise func(time.Time) time.Time) streams.TopicOption {
		return streams.TimestampBy(func(r streams.Record[val, val], partition time.Time) time.Time {
			if t := text(r.Value); r.Value != nil {
				if at := strings.LastIndexByte(t, '@'); at >= 0 {
					if n, err := strconv.ParseInt(t[at+1:], 10, 64); err == nil {
						return time.UnixMilli(n)
					}
				}
			}
			return otherwise(partition)
		})
	}
	switch id {
	case "", "fail":
		return nil
	case "skip":
		return []streams.TopicOption{streams.Timestamps(streams.LogAndSkip)}
	case "usePartitionTime":
		return []streams.TopicOption{streams.Timestamps(streams.UsePartitionTime)}
	case "valueTs":
		return []streams.TopicOption{byValue(func(time.Time) time.Time { return time.UnixMilli(-1) })}
	case "valueTsOrPartitionTime":
		return []streams.TopicOption{byValue(func(p time.Time) time.Time { return p })}
	}
	unknown("extractor", id)
	return nil
}
