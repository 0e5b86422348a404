package serde_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/mainstem-io/mainstem/broker/brokertest"
	"github.com/mainstem-io/mainstem/schemaregistry"
	"github.com/mainstem-io/mainstem/schemaregistry/serde"
)

// counting counts the requests that a client makes.
type counting struct {
	next http.RoundTripper
	n    atomic.Int64
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.next.RoundTrip(r)
}

// start runs a registry and answers a client that asks it in process, and one that asks it over HTTP.
func start(t testing.TB) (b *brokertest.Broker, cl *sr.Client, asked *counting, url string) {
	t.Helper()
	b = brokertest.Start(t)
	r, err := schemaregistry.New(schemaregistry.Config{Brokers: []string{b.Addr()}, Listener: "127.0.0.1:0", Client: []kgo.Opt{kgo.Dialer(b.Dial)}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // the registry's end, read once
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the registry ended with %v", err)
		}
	})
	asked = &counting{next: r.Transport()}
	if cl, err = sr.NewClient(sr.HTTPClient(&http.Client{Transport: asked})); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, err = cl.Subjects(ctx); err == nil {
			asked.n.Store(0)
			return b, cl, asked, "http://" + r.Addr()
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

type Line struct {
	SKU   string `avro:"sku" json:"sku"`
	Count int32  `avro:"count,default=1" json:"count"`
}

type Order struct {
	ID      string            `avro:"id" json:"id"`
	Total   float64           `avro:"total" json:"total"`
	Paid    bool              `avro:"paid" json:"paid"`
	Lines   []Line            `avro:"lines" json:"lines"`
	Tags    map[string]string `avro:"tags" json:"tags"`
	Coupon  *string           `avro:"coupon" json:"coupon"`
	Created time.Time         `avro:"created" json:"created"`
	Raw     []byte            `avro:"raw" json:"raw,omitempty"`
}

func order() Order {
	coupon := "SPRING"
	return Order{"7", 129.95, true, []Line{{"a", 1}, {"b", 3}}, map[string]string{"k": "v"}, &coupon, time.UnixMicro(1767225600000001).UTC(), []byte{0, 255}}
}

// TestRoundTrips writes and reads through the broker, in each format and wire form.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	b, cl, asked, _ := start(t)
	reg := serde.NewRegistry(cl)
	producer := b.Client(t, kgo.AllowAutoTopicCreation())
	for _, form := range []struct {
		name string
		wire serde.Wire
	}{{"prefix", serde.Prefix}, {"guid", serde.PrefixGUID}, {"header", serde.HeaderGUID}} {
		avro, err := serde.Avro[Order](reg, serde.Value("avro-"+form.name), serde.AutoRegister(true), serde.As(form.wire))
		if err != nil {
			t.Fatal(err)
		}
		js, err := serde.JSON[Order](reg, serde.Key("json-"+form.name), serde.AutoRegister(true), serde.As(form.wire))
		if err != nil {
			t.Fatal(err)
		}
		proto, err := serde.Proto[*durationpb.Duration](reg, serde.Value("proto-"+form.name), serde.AutoRegister(true), serde.As(form.wire),
			serde.Text(`syntax = "proto3"; package google.protobuf; message Other { Duration d = 1; } message Duration { int64 seconds = 1; int32 nanos = 2; }`))
		if err != nil {
			t.Fatal(err)
		}
		trip(t, b, producer, avro, order(), func(a, b Order) bool { return reflect.DeepEqual(a, b) })
		trip(t, b, producer, js, order(), func(a, b Order) bool { return reflect.DeepEqual(a, b) })
		trip(t, b, producer, proto, durationpb.New(90*time.Second), func(a, b *durationpb.Duration) bool { return a.AsDuration() == b.AsDuration() })
	}
	if n := asked.n.Load(); n > 80 {
		t.Errorf("the registry was asked %d times for 3 formats of 3 forms", n)
	}
}

func trip[T any](t *testing.T, b *brokertest.Broker, producer *kgo.Client, s *serde.Serde[T], v T, same func(a, b T) bool) {
	t.Helper()
	const n = 20
	var topic string
	for range n {
		r, err := s.Record(t.Context(), []byte("other"), v)
		if err != nil {
			t.Fatal(err)
		}
		topic = r.Topic
		if err := producer.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	consumer := b.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for got := 0; got < n; {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		fetches := consumer.PollFetches(ctx)
		cancel()
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		for back, err := range serde.Each(t.Context(), fetches, s) {
			if err != nil || !same(v, back) {
				t.Fatalf("%s: %+v came back as %+v: %v", topic, v, back, err)
			}
			got++
		}
	}
}

// OrderV2 has another order of fields, a new one, one under another name, and one less.
type OrderV2 struct {
	Note   string  `avro:"note,default=none"`
	Sum    float64 `avro:"sum,alias=total"`
	ID     string  `avro:"id"`
	Rebate *int64  `avro:"rebate"`
}

// TestAReaderOfAnotherVersion resolves what was written to its own type.
func TestAReaderOfAnotherVersion(t *testing.T) {
	t.Parallel()
	_, cl, _, _ := start(t)
	reg := serde.NewRegistry(cl)
	writer, err := serde.Avro[Order](reg, serde.Value("orders"), serde.AutoRegister(true))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := serde.Avro[OrderV2](reg, serde.Value("orders"), serde.Text(`{"type":"record","name":"Order","fields":[{"name":"note","type":"string","default":"none"},
		{"name":"sum","type":"double","aliases":["total"]},{"name":"id","type":"string"},{"name":"rebate","type":["null","long"],"default":null}]}`))
	if err != nil {
		t.Fatal(err)
	}
	data, err := writer.Encode(t.Context(), order())
	if err != nil {
		t.Fatal(err)
	}
	got, meta, err := reader.DecodeBytes(t.Context(), data, nil)
	if want := (OrderV2{"none", 129.95, "7", nil}); err != nil || got != want || meta.ID != 1 || meta.GUID == "" || meta.Writer.Type != sr.TypeAvro {
		t.Errorf("%+v %+v %v", got, meta, err)
	}
	strict, err := serde.Avro[struct{}](reg, serde.Value("orders"), serde.Text(`{"type":"record","name":"Order","fields":[{"name":"needed","type":"int"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var no *serde.IncompatibleError
	if _, _, err := strict.DecodeBytes(t.Context(), data, nil); !errors.As(err, &no) || !strings.Contains(err.Error(), "READER_FIELD_MISSING_DEFAULT_VALUE at /fields/0: needed") {
		t.Errorf("%v", err)
	}
}

// TestWhatIsWritten is under what the options say.
func TestWhatIsWritten(t *testing.T) {
	t.Parallel()
	_, cl, asked, _ := start(t)
	reg := serde.NewRegistry(cl)
	ctx := t.Context()
	none, err := serde.Avro[Line](reg, serde.Value("lines"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Encode(ctx, Line{}); !errors.Is(err, serde.ErrNotRegistered) {
		t.Errorf("nothing is registered by itself: %v", err)
	}
	latest, err := serde.Avro[Line](reg, serde.Value("lines"), serde.UseLatest(time.Nanosecond))
	if err != nil {
		t.Fatal(err)
	}
	make1 := sr.Schema{Schema: `{"type":"record","name":"Line","fields":[{"name":"sku","type":"string"}]}`}
	if _, err := cl.CreateSchema(ctx, "lines-value", make1); err != nil {
		t.Fatal(err)
	}
	if b, err := latest.Encode(ctx, Line{"x", 5}); err != nil || !slices.Equal(b, []byte{0, 0, 0, 0, 1, 2, 'x'}) {
		t.Errorf("under version 1: %x %v", b, err)
	}
	make2 := sr.Schema{Schema: `{"type":"record","name":"Line","fields":[{"name":"sku","type":"string"},{"name":"count","type":"int","default":1}]}`}
	if _, err := cl.CreateSchema(ctx, "lines-value", make2); err != nil {
		t.Fatal(err)
	}
	if b, err := latest.Encode(ctx, Line{"x", 5}); err != nil || !slices.Equal(b, []byte{0, 0, 0, 0, 2, 2, 'x', 10}) {
		t.Errorf("under version 2: %x %v", b, err)
	}
	byID, err := serde.Avro[Line](reg, serde.Value("elsewhere"), serde.UseID(1))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := byID.Encode(ctx, Line{"x", 5}); err != nil || b[4] != 1 {
		t.Errorf("under id 1: %x %v", b, err)
	}
	time.Sleep(1100 * time.Millisecond) // that it is missing is believed for a second
	before := asked.n.Load()
	for range 100 {
		if b, err := none.Encode(ctx, Line{"x", 5}); err != nil || b[4] != 2 {
			t.Fatalf("under its own schema: %x %v", b, err)
		}
	}
	if n := asked.n.Load() - before; n != 1 {
		t.Errorf("the registry was asked %d times", n)
	}
	for want, strategy := range map[string]serde.Strategy{"Line": serde.RecordName, "t-Line": serde.TopicRecordName, "mine": func(serde.Place, string) string { return "mine" }} {
		s, err := serde.Avro[Line](reg, serde.Value("t"), serde.Subject(strategy), serde.AutoRegister(true))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Encode(ctx, Line{}); err != nil {
			t.Error(err)
		}
		if _, err := cl.SubjectVersions(ctx, want); err != nil {
			t.Errorf("subject %s: %v", want, err)
		}
	}
	clash, err := serde.Avro[int32](reg, serde.Value("lines"), serde.AutoRegister(true))
	if err != nil {
		t.Fatal(err)
	}
	var no *serde.IncompatibleError
	if _, err := clash.Encode(ctx, 7); !errors.As(err, &no) || no.Subject != "lines-value" {
		t.Errorf("%v", err)
	}
}

// TestWhatIsRefused says why, and of which record.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	_, cl, asked, _ := start(t)
	reg := serde.NewRegistry(cl)
	avro, err := serde.Avro[Line](reg, serde.Value("lines"), serde.AutoRegister(true))
	if err != nil {
		t.Fatal(err)
	}
	js, err := serde.JSON[Line](reg, serde.Value("json"), serde.AutoRegister(true),
		serde.Text(`{"title":"Line","type":"object","properties":{"count":{"type":"integer","minimum":1}},"required":["count"]}`))
	if err != nil {
		t.Fatal(err)
	}
	proto, err := serde.Proto[*timestamppb.Timestamp](reg, serde.Value("lines"))
	if err != nil {
		t.Fatal(err)
	}
	good, err := avro.Encode(t.Context(), Line{"x", 5})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Encode(t.Context(), Line{"x", 0}); err == nil || !strings.Contains(err.Error(), "field count: not valid: minimum: got 0, want 1") {
		t.Errorf("%v", err)
	}
	if _, err := proto.Encode(t.Context(), timestamppb.Now()); err == nil || !strings.Contains(err.Error(), "serde.Text") {
		t.Errorf("%v", err)
	}
	for _, c := range []struct {
		data []byte
		want error
		text string
	}{
		{nil, serde.ErrNull, "null"},
		{[]byte("{}"), serde.ErrWrongMagic, "no schema id"},
		{[]byte{0, 0, 0, 18, 1, 2}, serde.ErrUnknownID, "id 4609"},
		{good[:len(good)-1], nil, "the data end early"},
		{append(slices.Clone(good), 0), nil, "bytes behind the datum"},
	} {
		_, _, err := avro.Decode(t.Context(), &kgo.Record{Topic: "lines", Partition: 3, Offset: 42, Value: c.data})
		var where *serde.DecodeError
		if !errors.As(err, &where) || where.Offset != 42 || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%x: %v", c.data, err)
		}
	}
	if _, _, err := proto.DecodeBytes(t.Context(), good, nil); !errors.Is(err, serde.ErrOtherType) {
		t.Errorf("%v", err)
	}
	before := asked.n.Load()
	for range 50 { // a flood of what is not there asks once a second
		_, _, _ = avro.DecodeBytes(t.Context(), []byte{0, 0, 0, 18, 1, 2}, nil)
	}
	if n := asked.n.Load() - before; n > 2 {
		t.Errorf("the registry was asked %d times", n)
	}
}

// TestSchemasOfTypes are what the documentation says.
func TestSchemasOfTypes(t *testing.T) {
	t.Parallel()
	_, cl, _, _ := start(t)
	reg := serde.NewRegistry(cl)
	avro, err := serde.Avro[Order](reg, serde.Value("a"), serde.AutoRegister(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := avro.Encode(t.Context(), order()); err != nil {
		t.Fatal(err)
	}
	got, err := cl.SchemaByVersion(t.Context(), "a-value", 1)
	want := `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"total","type":"double"},{"name":"paid","type":"boolean"},` +
		`{"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[{"name":"sku","type":"string"},{"name":"count","type":"int","default":1}]}}},` +
		`{"name":"tags","type":{"type":"map","values":"string"}},{"name":"coupon","type":["null","string"],"default":null},` +
		`{"name":"created","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"raw","type":"bytes"}]}`
	if err != nil || got.Schema.Schema != want {
		t.Errorf("got  %s\nwant %s\n%v", got.Schema.Schema, want, err)
	}
	type node struct {
		Value int   `json:"value"`
		Big   int64 `json:"big,string"`
		Next  *node `json:"next,omitempty"`
		Any   any   `json:"any,omitempty"`
	}
	list, err := serde.JSON[node](reg, serde.Value("j"), serde.AutoRegister(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list.Encode(t.Context(), node{Value: 1, Next: &node{Value: 2}, Any: []int{1}}); err != nil {
		t.Error(err)
	}
	got, err = cl.SchemaByVersion(t.Context(), "j-value", 1)
	want = `{"$schema":"http://json-schema.org/draft-07/schema#","allOf":[{"$ref":"#/definitions/node"}],"definitions":{"node":{"properties":{"any":{},"big":{"type":"string"},` +
		`"next":{"oneOf":[{"type":"null"},{"allOf":[{"$ref":"#/definitions/node"}]}]},"value":{"type":"integer"}},"required":["big","value"],"type":"object"}},"title":"node"}`
	if err != nil || got.Schema.Schema != want {
		t.Errorf("got  %s\nwant %s\n%v", got.Schema.Schema, want, err)
	}
	for _, bad := range []any{struct{ C chan int }{}, map[int]string{}} {
		if _, err := encodeAny(t, reg, bad); err == nil {
			t.Errorf("%T has a schema", bad)
		}
	}
}

func encodeAny[T any](t *testing.T, reg *serde.Registry, v T) ([]byte, error) {
	t.Helper()
	s, err := serde.Avro[T](reg, serde.Value("bad"), serde.AutoRegister(true))
	if err != nil {
		return nil, err
	}
	return s.Encode(t.Context(), v)
}

// Wide is the record of ten fields of registry.md 18.
type Wide struct {
	ID       string  `avro:"id"`
	Customer string  `avro:"customer"`
	Currency string  `avro:"currency"`
	Note     string  `avro:"note"`
	Created  int64   `avro:"created"`
	Changed  int64   `avro:"changed"`
	Total    float64 `avro:"total"`
	Count    int32   `avro:"count"`
	Paid     bool    `avro:"paid"`
	Lines    []int32 `avro:"lines"`
	Coupon   *string `avro:"coupon"`
	First    Line    `avro:"first"`
}

func BenchmarkAvro(b *testing.B) {
	_, cl, _, _ := start(b)
	s, err := serde.Avro[Wide](serde.NewRegistry(cl), serde.Value("a"), serde.AutoRegister(true))
	if err != nil {
		b.Fatal(err)
	}
	coupon := "SPRING"
	v := Wide{"4f1c6bb2-1d", "Ada Lovelace", "EUR", "leave it at the door", 1767225600000, 1767225600001, 129.95, 3, true, []int32{1, 2, 3}, &coupon, Line{"a", 2}}
	data, err := s.Encode(b.Context(), v)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		for b.Loop() {
			if dst, _, err = s.Append(b.Context(), dst[:0], v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := s.DecodeBytes(b.Context(), data, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
