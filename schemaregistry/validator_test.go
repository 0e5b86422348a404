package schemaregistry_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker/brokertest"
	"github.com/mainstem-io/mainstem/schemaregistry"
)

// validating runs a broker with a registry that feeds its validator.
func validating(t testing.TB) (b *brokertest.Broker, v *schemaregistry.Validator, address string) {
	t.Helper()
	v = schemaregistry.NewValidator()
	b = brokertest.Start(t, brokertest.Validate(v))
	r, err := schemaregistry.New(schemaregistry.Config{
		Brokers: []string{b.Addr()}, Listener: "127.0.0.1:0", Client: []kgo.Opt{kgo.Dialer(b.Dial)}, Validator: v, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
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
	return b, v, r.Addr()
}

// register answers the id and the GUID of a schema.
func register(t testing.TB, address, subject, format, text string, refs ...string) (id int, guid string) {
	t.Helper()
	body := map[string]any{"schema": text, "schemaType": format}
	for _, r := range refs {
		body["references"] = []map[string]any{{"name": r, "subject": r, "version": 1}}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+address+"/subjects/"+url.PathEscape(subject)+"/versions", strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	req.Header.Set("Confluent-Accept-Unknown-Properties", "true")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out struct {
		ID      int
		GUID    string
		Message string
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("register %s: %d %s %v", subject, resp.StatusCode, out.Message, err)
	}
	return out.ID, out.GUID
}

func demand(t testing.TB, b *brokertest.Broker, topic string, keys ...string) {
	t.Helper()
	set := map[string]*string{}
	for _, pair := range keys {
		key, value, _ := strings.Cut(pair, "=")
		set[key] = &value
	}
	if resp, err := kadm.NewClient(b.Client(t)).CreateTopic(context.Background(), 1, 1, set, topic); err != nil || resp.Err != nil {
		t.Fatal(err, resp.ErrMessage)
	}
}

func prefixed(id int, payload string) []byte {
	return append([]byte{0, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}, payload...)
}

// TestValidationOnProduce goes from a topic's configuration to what a producer is told, for each format, strategy and wire form.
func TestValidationOnProduce(t *testing.T) {
	t.Parallel()
	b, v, address := validating(t)
	avro, guid := register(t, address, "avro-value", "AVRO", v1)
	other, _ := register(t, address, "elsewhere", "AVRO", `"string"`)
	named, _ := register(t, address, "shop.Named", "AVRO", `{"type":"record","name":"Named","namespace":"shop","fields":[{"name":"a","type":"int"}]}`)
	proto, protoGUID := register(t, address, "proto-value", "PROTOBUF", `syntax = "proto3"; message A { string s = 1; message In { int32 i = 1; } } message B { int32 n = 1; }`)
	js, _ := register(t, address, "json-value", "JSON", `{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}`)
	register(t, address, "base", "AVRO", `{"type":"record","name":"Base","fields":[{"name":"x","type":"boolean"}]}`)
	user, _ := register(t, address, "refs-key", "AVRO", `{"type":"record","name":"User","fields":[{"name":"base","type":"Base"}]}`, "base")
	decode := "mainstem.value.schema.validation=decode"
	demand(t, b, "avro", decode)
	demand(t, b, "ids", "confluent.value.schema.validation=true")
	demand(t, b, "proto", decode)
	demand(t, b, "json", decode)
	demand(t, b, "named", decode, "mainstem.value.subject.name.strategy=record")
	demand(t, b, "both", decode, "mainstem.value.subject.name.strategy=topic-record")
	demand(t, b, "refs", "mainstem.key.schema.validation=decode")
	register(t, address, "ids-value", "AVRO", v1)
	register(t, address, "both-shop.Named", "AVRO", `{"type":"record","name":"Named","namespace":"shop","fields":[{"name":"a","type":"int"}]}`)

	raw, err := hex.DecodeString(strings.ReplaceAll(guid, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	rawProto, err := hex.DecodeString(strings.ReplaceAll(protoGUID, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, topic string
		key         bool
		data        []byte
		header      []byte
		want        string // "": it passes
	}{
		{"data of the schema", "avro", false, prefixed(avro, "\x02"), nil, ""},
		{"by GUID in front", "avro", false, append(append([]byte{1}, raw...), 2), nil, ""},
		{"by GUID in a header", "avro", false, []byte{2}, append([]byte{1}, raw...), ""},
		{"a header, and data that are none", "avro", false, []byte{}, append([]byte{1}, raw...), fmt.Sprintf("schema %d: field a: the data end early (byte 0)", avro)},
		{"a header of nobody's", "avro", false, []byte{2}, append([]byte{1}, make([]byte, 16)...), "no schema has GUID 00000000-0000-0000-0000-000000000000"},
		{"no prefix", "avro", false, []byte("{}"), nil, "no schema id"},
		{"an empty value", "avro", false, []byte{}, nil, "no schema id"},
		{"an id of nobody's", "avro", false, prefixed(4711, "\x02"), nil, "no schema has id 4711"},
		{"another subject's id", "avro", false, prefixed(other, "\x02a"), nil, fmt.Sprintf("schema %d is not registered under subject avro-value", other)},
		{"bytes behind", "avro", false, prefixed(avro, "\x02\x02"), nil, fmt.Sprintf("schema %d: bytes behind the datum (byte 1)", avro)},
		{"level id does not look further", "ids", false, prefixed(avro, ""), nil, ""},
		{"level id looks at the subject", "ids", false, prefixed(other, ""), nil, fmt.Sprintf("schema %d is not registered under subject ids-value", other)},
		{"the first message", "proto", false, prefixed(proto, "\x00\x0a\x01x"), nil, ""},
		{"the first message in full", "proto", false, prefixed(proto, "\x02\x00\x0a\x01x"), nil, ""},
		{"a nested message", "proto", false, prefixed(proto, "\x04\x00\x00\x08\x05"), nil, ""},
		{"the second message by header", "proto", false, []byte{8, 5}, append(append([]byte{1}, rawProto...), 2, 2), ""},
		{"a message of another type", "proto", false, prefixed(proto, "\x02\x02\x0a\x01x"), nil, fmt.Sprintf("schema %d: field B.n: the wire type is not the field's (byte 1)", proto)},
		{"a message that is not there", "proto", false, prefixed(proto, "\x02\x08"), nil, fmt.Sprintf("schema %d: there is no message with the indexes [4]", proto)},
		{"no indexes", "proto", false, prefixed(proto, ""), nil, fmt.Sprintf("schema %d: the message indexes are damaged", proto)},
		{"valid JSON", "json", false, prefixed(js, `{"a":1}`), nil, ""},
		{"invalid JSON", "json", false, prefixed(js, `{"a":"1"}`), nil, fmt.Sprintf("schema %d: field a: not valid: got string, want integer", js)},
		{"the record's own subject", "named", false, prefixed(named, "\x02"), nil, ""},
		{"a record without a subject", "named", false, prefixed(avro, "\x02"), nil, fmt.Sprintf("schema %d is not registered under subject R", avro)},
		{"a schema without a name", "named", false, prefixed(other, "\x02a"), nil, fmt.Sprintf("schema %d has no name, which the subject would be made of", other)},
		{"topic and record", "both", false, prefixed(named, "\x02"), nil, ""},
		{"topic and another record", "both", false, prefixed(avro, "\x02"), nil, fmt.Sprintf("schema %d is not registered under subject both-R", avro)},
		{"a key with references", "refs", true, prefixed(user, "\x01"), nil, ""},
		{"a key that is no boolean", "refs", true, prefixed(user, "\x02"), nil, fmt.Sprintf("schema %d: field base.x: a boolean is neither 0 nor 1 (byte 0)", user)},
	} {
		r := &kgo.Record{Topic: c.topic, Value: c.data}
		level, strategy := "decode", "topic"
		switch c.topic {
		case "ids":
			level = "id"
		case "named":
			strategy = "record"
		case "both":
			strategy = "topic-record"
		}
		if c.key {
			r.Key, r.Value = c.data, nil
		}
		if c.header != nil {
			r.Headers = []kgo.RecordHeader{{Key: "__value_schema_id", Value: c.header}}
		}
		said := v.Field(c.topic, c.key, level, strategy)(c.data, c.header)
		got := ""
		if said != nil {
			got = said.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		err := b.Client(t).ProduceSync(t.Context(), r).FirstErr()
		if (c.want == "") != (err == nil) || err != nil && !errors.Is(err, kerr.InvalidRecord) {
			t.Errorf("%s: produce answers %v", c.name, err)
		}
	}
}

// TestASchemaThatComesLater is seen at once, and one that is gone for good no more; a soft delete breaks nobody.
func TestASchemaThatComesLater(t *testing.T) {
	t.Parallel()
	b, _, address := validating(t)
	demand(t, b, "in", "mainstem.value.schema.validation=decode")
	produce := func(id int) error {
		return b.Client(t).ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: prefixed(id, "\x02")}).FirstErr()
	}
	if err := produce(1); !errors.Is(err, kerr.InvalidRecord) {
		t.Errorf("before it is registered: %v", err)
	}
	id, _ := register(t, address, "in-value", "AVRO", v1)
	if err := produce(id); err != nil {
		t.Errorf("right behind its registration: %v", err)
	}
	call(t, address, "DELETE", "/subjects/in-value", "")
	if err := produce(id); err != nil {
		t.Errorf("deleted softly: %v", err)
	}
	call(t, address, "DELETE", "/subjects/in-value?permanent=true", "")
	if err := produce(id); !errors.Is(err, kerr.InvalidRecord) {
		t.Errorf("deleted for good: %v", err)
	}
}

// TestASchemaOfAnotherRegistry: the log is read to its end before a producer is refused.
func TestASchemaOfAnotherRegistry(t *testing.T) {
	t.Parallel()
	b, _, _ := validating(t)
	demand(t, b, "in", "mainstem.value.schema.validation=decode")
	elsewhere := start(t, b)
	for i := range 5 {
		id, _ := register(t, elsewhere, "in-value", "AVRO", fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":"int"}],"aliases":["R%d"]}`, i, max(0, i-1)))
		if err := b.Client(t).ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: prefixed(id, "\x02")}).FirstErr(); err != nil {
			t.Errorf("schema %d: %v", id, err)
		}
	}
}

func TestAValidatorWithoutARegistry(t *testing.T) {
	t.Parallel()
	err := schemaregistry.NewValidator().Field("t", false, "id", "topic")([]byte{0, 0, 0, 0, 1}, nil)
	var r interface{ Retriable() bool }
	if !errors.As(err, &r) || !r.Retriable() {
		t.Errorf("%v", err)
	}
}

// TestTheSchemasThemselves are no records of a schema: a registry must be able to write them whatever their topic demands.
func TestTheSchemasThemselves(t *testing.T) {
	t.Parallel()
	_, v, address := validating(t)
	register(t, address, "s", "AVRO", v1)
	if v.Field("_schemas", false, "decode", "topic") != nil {
		t.Error("they are held against schemas")
	}
}

func BenchmarkValidatorAvro(b *testing.B) {
	_, v, address := validating(b)
	id, _ := register(b, address, "in-value", "AVRO", v1)
	data := prefixed(id, "\x02")
	check := v.Field("in", false, "decode", "topic")
	if n := testing.AllocsPerRun(100, func() { _ = check(data, nil) }); n != 0 {
		b.Errorf("%v allocations", n)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := check(data, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// TestRulesOnProduce: level rule runs the conditions that are registered with a schema; level decode does not.
func TestRulesOnProduce(t *testing.T) {
	t.Parallel()
	b, v, address := validating(t)
	post := func(subject, rules string) int {
		t.Helper()
		body := strings.TrimSuffix(schema(v1), "}") + `,"ruleSet":{"domainRules":[` + rules + `]}}`
		status, out := call(t, address, "POST", "/subjects/"+url.PathEscape(subject)+"/versions", body)
		var made struct{ ID int }
		if err := json.Unmarshal([]byte(out), &made); err != nil || status != 200 {
			t.Fatal(status, out, err)
		}
		return made.ID
	}
	positive := `{"name":"positive","doc":"a must be above zero","kind":"CONDITION","type":"CEL","mode":"WRITE","expr":"message.a > 0"}`
	for i, c := range []struct{ rules, level, want string }{
		{positive, "rule", "rule positive does not hold: a must be above zero"},
		{positive, "decode", ""},
		{strings.Replace(positive, `"WRITE"`, `"READ"`, 1), "rule", ""},
		{strings.Replace(positive, `}`, `,"disabled":true}`, 1), "rule", ""},
		{strings.Replace(positive, `}`, `,"onFailure":"NONE"}`, 1), "rule", ""},
		{strings.Replace(positive, `"CONDITION"`, `"TRANSFORM"`, 1), "rule", ""},
		{strings.Replace(positive, `message.a > 0`, `message.a >`, 1), "rule", "rule positive: ERROR"},
	} {
		topic := fmt.Sprintf("t%d", i)
		id := post(topic+"-value", c.rules)
		check := v.Field(topic, false, c.level, "topic")
		if err := check(prefixed(id, "\x02"), nil); err != nil && !strings.Contains(c.want, "ERROR") {
			t.Errorf("%s %s: a of 1 is refused: %v", c.level, c.rules, err)
		}
		got := ""
		if err := check(prefixed(id, "\x01"), nil); err != nil { // -1
			got = err.Error()
		}
		want := c.want
		if want != "" {
			want = fmt.Sprintf("schema %d: %s", id, want)
		}
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s %s:\n got %s\nwant %s", c.level, c.rules, got, want)
		}
		if err := check(prefixed(id, "\x01\x01"), nil); err == nil {
			t.Errorf("%s %s: bytes behind the datum pass", c.level, c.rules)
		}
	}
	demand(t, b, "in", "mainstem.value.schema.validation=rule")
	id := post("in-value", positive)
	cl := b.Client(t)
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: prefixed(id, "\x02")}).FirstErr(); err != nil {
		t.Error(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Value: prefixed(id, "\x01")}).FirstErr(); !errors.Is(err, kerr.InvalidRecord) {
		t.Error(err)
	}
}
