package streamstest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/streams"
	"github.com/mainstem-io/mainstem/streams/streamstest"
)

func build(t *testing.T, b *streams.Builder) *streams.Topology {
	t.Helper()
	topo, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// TestWordCount is the first example of the package, without a broker.
func TestWordCount(t *testing.T) {
	t.Parallel()
	lines := streams.NewTopic("lines", streams.String, streams.String)
	counts := streams.NewTopic("counts", streams.String, streams.Int64)
	b := streams.NewBuilder()
	b.Stream(lines).FlatMapValues(strings.FieldsSeq).
		GroupBy(func(_, w string) string { return w }, streams.String).
		Count("word-counts").Stream().To(counts)
	d := streamstest.New(t, build(t, b))
	in, out := streamstest.Input[string, string](d, "lines"), streamstest.Output(d, counts)
	in.At(time.UnixMilli(1)).Send("k", "a b a")
	type kv = streamstest.KV[string, int64]
	out.Want(kv{"a", 1}, kv{"b", 1}, kv{"a", 2})
	if rows := d.StoreRows("word-counts"); len(rows) != 2 || string(rows[0].Key) != "a" {
		t.Errorf("the store holds %v", rows)
	}
	if n := len(d.Raw("app-word-counts-changelog")); n != 3 {
		t.Errorf("%d records in the changelog, want 3", n)
	}
}

// TestSettle: a windowed left join has either the match or, after window and grace, one row without.
func TestSettle(t *testing.T) {
	t.Parallel()
	orders := streams.NewTopic("orders", streams.String, streams.Int64)
	payments := streams.NewTopic("payments", streams.String, streams.Int64)
	open := streams.NewTopic("open", streams.String, streams.Int64)
	b := streams.NewBuilder()
	b.Stream(orders).LeftJoin("settle", b.Stream(payments), streams.Within(10*time.Minute).WithGrace(time.Minute), func(o int64, p *int64) int64 {
		if p == nil {
			return o
		}
		return o - *p
	}).Filter(func(_ string, left int64) bool { return left > 0 }).To(open)
	d := streamstest.New(t, build(t, b))
	o, p, out := streamstest.Input[string, int64](d, "orders"), streamstest.Input[string, int64](d, "payments"), streamstest.Output(d, open)
	at := func(m int) time.Time { return time.UnixMilli(0).Add(time.Duration(m) * time.Minute) }
	o.At(at(0)).Send("paid", 10)
	o.At(at(0)).Send("part", 10)
	o.At(at(0)).Send("never", 10)
	p.At(at(3)).Send("paid", 10)
	p.At(at(4)).Send("part", 4)
	type kv = streamstest.KV[string, int64]
	out.Want(kv{"part", 6})
	o.At(at(12)).Send("later", 1)
	out.Want(kv{"never", 10})
}

// TestMistakesAreNamedAtOnce: Build says all that is wrong, where it was written.
func TestMistakesAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	type shop struct{ N int }
	in := streams.NewTopic("in", streams.String, streams.String)
	b := streams.NewBuilder()
	s := b.Stream(in)
	s.GroupByKey().WindowedBy(streams.Tumbling(time.Minute)).Count("w")
	s.MapValues(func(string) shop { return shop{} }).To(streams.NewTopic[string, shop]("out", streams.String, nil))
	s.GroupByKey().Count("twice")
	s.GroupByKey().Count("twice")
	_, err := b.Build()
	for _, want := range []string{"no grace", "no serde for streamstest_test.shop", "driver_test.go:", `two stores are called "twice"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

// TestErrorsFollowThePolicy: a failing function stops the task, or its record is skipped and kept as a dead letter.
func TestErrorsFollowThePolicy(t *testing.T) {
	t.Parallel()
	in := streams.NewTopic("in", streams.String, streams.String)
	out := streams.NewTopic("out", streams.String, streams.Int64)
	b := streams.NewBuilder()
	b.Stream(in).MapValues(func(s string) int64 { return int64(100 / len(s)) }).To(out)
	topo := build(t, b)
	d := streamstest.New(t, topo)
	if err := streamstest.Input[string, string](d, "in").TrySend("k", ""); err == nil || !strings.Contains(err.Error(), "record in-0@0") || !strings.Contains(err.Error(), "divide by zero") {
		t.Errorf("the failure reads %v", err)
	}
	skip := streams.Config{DeadLetter: "dead", OnError: func(c streams.ErrorContext, err error) streams.Decision {
		var p interface{ Unwrap() error }
		if c.Node == "" || errors.As(err, &p) && p == nil {
			t.Errorf("context %+v", c)
		}
		return streams.Decision{Action: streams.Skip}
	}}
	d = streamstest.New(t, topo, streamstest.Config(skip))
	send := streamstest.Input[string, string](d, "in")
	send.Send("a", "")
	send.Send("b", "12")
	streamstest.Output(d, out).Want(streamstest.KV[string, int64]{Key: "b", Value: 50})
	if dead := d.Raw("dead"); len(dead) != 1 || string(dead[0].Key) != "a" || len(dead[0].Headers) != 6 {
		t.Errorf("dead letters %v", dead)
	}
	if d.Dropped() != 1 {
		t.Errorf("%d dropped, want 1", d.Dropped())
	}
}
