package schemaregistry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker/brokertest"
	"github.com/mainstem-io/mainstem/schemaregistry"
)

// start runs a registry on a broker and answers its address.
func start(t *testing.T, b *brokertest.Broker) string {
	t.Helper()
	address, stop := run(t, b)
	t.Cleanup(stop)
	return address
}

func run(t *testing.T, b *brokertest.Broker) (address string, stop func()) {
	t.Helper()
	r, err := schemaregistry.New(schemaregistry.Config{
		Brokers: []string{b.Addr()}, Listener: "127.0.0.1:0", Client: []kgo.Opt{kgo.Dialer(b.Dial)}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // the registry's end, read once
	go func() { ended <- r.Run(ctx) }()
	return r.Addr(), sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the registry ended with %v", err)
		}
	})
}

// call sends a request and answers status and body.
func call(t *testing.T, address, method, path, body string) (int, string) {
	t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, in)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(out)
}

// schema is a request that registers an Avro schema.
func schema(text string) string {
	b, err := json.Marshal(map[string]string{"schema": text})
	if err != nil {
		panic(err)
	}
	return string(b)
}

const (
	v1 = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`
	v2 = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"string","default":""}]}`
	v3 = `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"c","type":"string"}]}`
)

// TestREST goes through the endpoints in the order in which a person would: each line is a request and its whole answer.
func TestREST(t *testing.T) {
	t.Parallel()
	address := start(t, brokertest.Start(t))
	incompatible := `Schema being registered is incompatible with an earlier schema for subject \"s\", details: [{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'c' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'c'}, {oldSchemaVersion: 2}, {oldSchema: '` + strings.ReplaceAll(v2, `"`, `\"`) + `'}, {validateFields: 'false', compatibility: 'BACKWARD'}]`
	for _, c := range []struct {
		request, body string
		status        int
		want          string
	}{
		{"GET /", "", 200, `{}`},
		{"GET /schemas/types", "", 200, `["JSON","PROTOBUF","AVRO"]`},
		{"GET /subjects", "", 200, `[]`},
		{"GET /config", "", 200, `{"compatibilityLevel":"BACKWARD"}`},
		{"GET /mode", "", 200, `{"mode":"READWRITE"}`},
		{"GET /contexts", "", 200, `["."]`},
		{"GET /nothing", "", 404, `{"error_code":404,"message":"HTTP 404 Not Found"}`},
		{"GET /subjects/s/versions", "", 404, `{"error_code":40401,"message":"Subject 's' not found."}`},
		{"GET /schemas/ids/7", "", 404, `{"error_code":40403,"message":"Schema 7 not found"}`},

		{"POST /subjects/s/versions", schema(v1), 200, `{"id":1}`},
		{"POST /subjects/s/versions", schema(" " + v1), 200, `{"id":1}`},
		{"POST /subjects/other/versions", schema(v1), 200, `{"id":1}`},
		{"POST /subjects/s/versions", schema(v2), 200, `{"id":2}`},
		{"POST /subjects/s/versions", schema(v3), 409, `{"error_code":409,"message":"` + incompatible + `"}`},
		{"POST /subjects/s/versions", schema(`{"type":"recor"}`), 422, `{"error_code":42201,"message":"Invalid schema {\"type\":\"recor\"}, details: parse schema: undefined type: recor"}`},
		{"POST /subjects/s/versions", schema(""), 422, `{"error_code":42201,"message":"Empty schema"}`},
		{"GET /subjects", "", 200, `["other","s"]`},
		{"GET /subjects?subjectPrefix=o", "", 200, `["other"]`},
		{"GET /subjects?limit=1&offset=1", "", 200, `["s"]`},
		{"GET /subjects/s/versions", "", 200, `[1,2]`},
		{"GET /subjects/s/versions/1", "", 200, `{"subject":"s","version":1,"id":1,"schema":` + quote(v1) + `}`},
		{"GET /subjects/s/versions/latest/schema", "", 200, v2},
		{"GET /subjects/s/versions/-1", "", 200, `{"subject":"s","version":2,"id":2,"schema":` + quote(v2) + `}`},
		{"GET /subjects/s/versions/3", "", 404, `{"error_code":40402,"message":"Version 3 not found."}`},
		{"GET /subjects/s/versions/-2", "", 422, `{"error_code":42202,"message":"The specified version '-2' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""}`},
		{"GET /schemas/ids/1", "", 200, `{"schema":` + quote(v1) + `}`},
		{"GET /schemas/ids/1/schema", "", 200, v1},
		{"GET /schemas/ids/1/subjects", "", 200, `["other","s"]`},
		{"GET /schemas/ids/1/versions", "", 200, `[{"subject":"other","version":1},{"subject":"s","version":1}]`},
		{"POST /subjects/s", schema(v2), 200, `{"subject":"s","version":2,"id":2,"schema":` + quote(v2) + `}`},
		{"POST /subjects/s", schema(v3), 404, `{"error_code":40403,"message":"Schema not found"}`},
		{"POST /subjects/none", schema(v3), 404, `{"error_code":40401,"message":"Subject 'none' not found."}`},

		{"POST /compatibility/subjects/s/versions/latest", schema(v3), 200, `{"is_compatible":false}`},
		{"POST /compatibility/subjects/s/versions", schema(v2), 200, `{"is_compatible":true}`},
		{"POST /compatibility/subjects/s/versions/9", schema(v2), 404, `{"error_code":40402,"message":"Version 9 not found."}`},
		{"GET /config/s", "", 404, `{"error_code":40408,"message":"Subject 's' does not have subject-level compatibility configured"}`},
		{"GET /config/s?defaultToGlobal=true", "", 200, `{"compatibilityLevel":"BACKWARD"}`},
		{"PUT /config/s", `{"compatibility":"SOMETIMES"}`, 422, `{"error_code":42203,"message":"Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive"}`},
		{"PUT /config/s", `{"compatibility":"NONE"}`, 200, `{"compatibility":"NONE"}`},
		{"POST /subjects/s/versions", schema(v3), 200, `{"id":3}`},
		{"DELETE /config/s", "", 200, `{"compatibilityLevel":"NONE"}`},

		{"PUT /mode/s", `{"mode":"READONLY"}`, 200, `{"mode":"READONLY"}`},
		{"POST /subjects/s/versions", schema(`"int"`), 422, `{"error_code":42205,"message":"Subject s is in read-only mode"}`},
		{"DELETE /subjects/s", "", 422, `{"error_code":42205,"message":"Subject s is in read-only mode"}`},
		{"DELETE /mode/s", "", 200, `{"mode":"READONLY"}`},
		{"PUT /mode", `{"mode":"IMPORT"}`, 422, `{"error_code":42205,"message":"Cannot import since found existing subjects"}`},
		{"PUT /mode/new", `{"mode":"IMPORT"}`, 200, `{"mode":"IMPORT"}`},
		{"POST /subjects/new/versions", schema(v1), 200, `{"id":1}`},
		{"POST /subjects/new/versions", `{"id":50,"version":7,"schema":"\"long\""}`, 200, `{"id":50}`},
		{"POST /subjects/new/versions", `{"id":50,"version":8,"schema":"\"double\""}`, 422, `{"error_code":42207,"message":"Overwrite new schema with id 50 is not permitted."}`},
		{"GET /subjects/new/versions", "", 200, `[7]`},
		{"POST /subjects/s/versions", `{"id":60,"schema":"\"int\""}`, 422, `{"error_code":42205,"message":"Subject s is not in import mode"}`},

		{"DELETE /subjects/s?permanent=true", "", 404, `{"error_code":40405,"message":"Subject 's' was not deleted first before being permanently deleted"}`},
		{"DELETE /subjects/s/versions/2", "", 200, `2`},
		{"DELETE /subjects/s/versions/2", "", 404, `{"error_code":40406,"message":"Subject 's' Version 2 was soft deleted.Set permanent=true to delete permanently"}`},
		{"GET /subjects/s/versions", "", 200, `[1,3]`},
		{"GET /subjects/s/versions?deleted=true", "", 200, `[1,2,3]`},
		{"GET /subjects/s/versions?deletedOnly=true", "", 200, `[2]`},
		{"GET /schemas/ids/2", "", 200, `{"schema":` + quote(v2) + `}`},
		{"DELETE /subjects/s", "", 200, `[1,3]`},
		{"DELETE /subjects/s", "", 404, `{"error_code":40404,"message":"Subject 's' was soft deleted.Set permanent=true to delete permanently"}`},
		{"DELETE /subjects/s?permanent=true", "", 200, `[1,2,3]`},
		{"GET /schemas/ids/3", "", 404, `{"error_code":40403,"message":"Schema 3 not found"}`},
		{"POST /subjects/s/versions", schema(`"bytes"`), 200, `{"id":51}`},
		{"POST /subjects/j/versions", `{"schemaType":"JSON","schema":"{\"type\": \"string\"}"}`, 200, `{"id":52}`},
		{"POST /subjects/j/versions", `{"schemaType":"JSON","schema":"{\"type\":\"number\"}"}`, 409, `{"error_code":409,"message":"Schema being registered is incompatible with an earlier schema for subject \"j\", details: [{errorType:'TYPE_CHANGED', description:'A type at path '#' is different between the new schema and the old schema', path:'#'}, {oldSchemaVersion: 1}, {oldSchema: '{\"type\":\"string\"}'}, {validateFields: 'false', compatibility: 'BACKWARD'}]"}`},
		{"POST /subjects/p/versions", `{"schemaType":"PROTOBUF","schema":"syntax=\"proto3\"; message M { int32 a=1; }"}`, 200, `{"id":53}`},
		{"GET /subjects/p/versions/latest", "", 200, `{"subject":"p","version":1,"id":53,"schemaType":"PROTOBUF","schema":"syntax = \"proto3\";\nmessage M {\n  int32 a = 1;\n}\n"}`},
		{"GET /associations/resources/ns/topic", "", 200, `[]`},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		status, got := call(t, address, method, path, c.body)
		if c.request == "POST /subjects/new/versions" && c.body == schema(v1) { // in import mode without an id
			if status != 422 || !strings.Contains(got, "42205") {
				t.Errorf("%s without an id in import mode: %d %s", c.request, status, got)
			}
			continue
		}
		if status != c.status || got != c.want {
			t.Errorf("%s %s\n got %d %s\nwant %d %s", c.request, c.body, status, got, c.status, c.want)
		}
	}
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(bytes.ReplaceAll(b, []byte(`\u003c`), []byte("<")))
}

// TestReferences: a schema that uses another keeps it from being deleted, and its text names what it uses.
func TestReferences(t *testing.T) {
	t.Parallel()
	address := start(t, brokertest.Start(t))
	for _, c := range [][4]string{
		{"POST", "/subjects/money/versions", schema(`{"type":"record","name":"Money","namespace":"acme","fields":[{"name":"cents","type":"long"}]}`), `{"id":1}`},
		{"POST", "/subjects/order/versions", `{"schema":"{\"type\":\"record\",\"name\":\"Order\",\"namespace\":\"acme\",\"fields\":[{\"name\":\"total\",\"type\":\"acme.Money\"}]}","references":[{"name":"acme.Money","subject":"money","version":-1}]}`, `{"id":2}`},
		{"GET", "/schemas/ids/2", "", `{"references":[{"name":"acme.Money","subject":"money","version":1}],"schema":"{\"type\":\"record\",\"name\":\"Order\",\"namespace\":\"acme\",\"fields\":[{\"name\":\"total\",\"type\":\"Money\"}]}"}`},
		{"GET", "/subjects/money/versions/1/referencedby", "", `[2]`},
		{"DELETE", "/subjects/money", "", `{"error_code":42206,"message":"One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=money,version=1}."}`},
		{"POST", "/subjects/cents/versions", `{"schemaType":"PROTOBUF","schema":"syntax=\"proto3\"; message Cents { int64 n = 1; }"}`, `{"id":3}`},
		{"POST", "/subjects/bill/versions", `{"schemaType":"PROTOBUF","schema":"syntax=\"proto3\"; import \"acme/cents.proto\"; message Bill { Cents sum = 1; }","references":[{"name":"acme/cents.proto","subject":"cents","version":1}]}`, `{"id":4}`},
		{"POST", "/subjects/price/versions", `{"schemaType":"JSON","schema":"{\"type\":\"integer\"}"}`, `{"id":5}`},
		{"POST", "/subjects/item/versions", `{"schemaType":"JSON","schema":"{\"type\":\"object\",\"properties\":{\"p\":{\"$ref\":\"price.json\"}}}","references":[{"name":"price.json","subject":"price","version":1}]}`, `{"id":6}`},
		{"POST", "/compatibility/subjects/item/versions/latest", `{"schemaType":"JSON","schema":"{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"string\"}}}"}`, `{"is_compatible":false}`},
		{"POST", "/subjects/bad/versions", `{"schema":"\"int\"","references":[{"name":"x","subject":"nobody","version":1}]}`, `{"error_code":42201,"message":"Invalid schema: No schema reference found for subject \"nobody\" and version 1"}`},
	} {
		if _, got := call(t, address, c[0], c[1], c[2]); got != c[3] {
			t.Errorf("%s %s\n got %s\nwant %s", c[0], c[1], got, c[3])
		}
	}
}

// TestIDsOutliveEverything: ids are given out once, whatever is deleted, by whatever registry, over a power loss.
func TestIDsOutliveEverything(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	address, stop := run(t, b)
	seen := map[string]bool{}
	register := func(subject, text string) {
		t.Helper()
		status, got := call(t, address, "POST", "/subjects/"+subject+"/versions", schema(text))
		if status != 200 || seen[got] {
			t.Fatalf("register in %s: %d %s, seen before: %v", subject, status, got, seen[got])
		}
		seen[got] = true
	}
	for n := range 4 {
		register(fmt.Sprint("s", n), fixed(n))
		for _, path := range []string{"", "?permanent=true"} {
			if status, got := call(t, address, "DELETE", fmt.Sprintf("/subjects/s%d%s", n, path), ""); status != 200 {
				t.Fatalf("delete: %d %s", status, got)
			}
		}
		stop()
		b.PowerLoss(uint64(n))
		address, stop = run(t, b)
	}
	stop()
}

func fixed(n int) string { return fmt.Sprintf(`{"type":"fixed","name":"F%d","size":%d}`, n, n) }

// TestConcurrentRegistrations: many clients register at once, equal and different schemas; equal ones get one id, different ones
// different ids, and another registry of the same topic sees what was acknowledged.
func TestConcurrentRegistrations(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	first, second := start(t, b), start(t, b)
	var mu sync.Mutex // guards ids
	ids := map[int][]string{}
	var wg sync.WaitGroup
	for n := range 60 {
		wg.Go(func() {
			status, got := call(t, first, "POST", fmt.Sprintf("/subjects/c%d/versions", n), schema(fixed(n%20)))
			mu.Lock()
			defer mu.Unlock()
			if status != 200 {
				t.Errorf("%d %s", status, got)
			}
			ids[n%20] = append(ids[n%20], got)
		})
	}
	wg.Wait()
	all := map[string]bool{}
	for n, list := range ids {
		if len(slices.Compact(slices.Sorted(slices.Values(list)))) != 1 || all[list[0]] {
			t.Errorf("schema %d has the ids %v", n, list)
		}
		all[list[0]] = true
		if status, got := call(t, second, "GET", fmt.Sprintf("/subjects/c%d/versions/1", n), ""); status != 200 {
			t.Errorf("the other registry says %d %s", status, got)
		}
	}
}

// TestTheOlderWriterIsFenced: two registries write in turn; each takes over, and neither loses or repeats an id.
func TestTheOlderWriterIsFenced(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	addresses := []string{start(t, b), start(t, b)}
	for n := range 6 {
		began := time.Now()
		status, got := call(t, addresses[n%2], "POST", "/subjects/turn/versions", schema(fixed(n)))
		if want := fmt.Sprintf(`{"id":%d}`, n+1); n > 0 {
			if status != 409 { // another name: not compatible, which the other registry must know
				t.Fatalf("turn %d: %d %s", n, status, got)
			}
		} else if got != want {
			t.Fatalf("turn %d: %s, want %s", n, got, want)
		}
		if status, got = call(t, addresses[n%2], "POST", fmt.Sprintf("/subjects/turn%d/versions", n), schema(fixed(n+100))); got != fmt.Sprintf(`{"id":%d}`, n+2) {
			t.Fatalf("turn %d: %d %s after %v", n, status, got, time.Since(began))
		}
	}
}

// TestMediaTypes: what a client neither takes nor says rightly is refused.
func TestMediaTypes(t *testing.T) {
	t.Parallel()
	address := start(t, brokertest.Start(t))
	for _, c := range []struct {
		accept, content string
		status          int
		answer          string
	}{
		{"", "application/json", 200, "application/vnd.schemaregistry.v1+json"},
		{"*/*", "application/vnd.schemaregistry+json", 200, "application/vnd.schemaregistry.v1+json"},
		{"application/json", "application/octet-stream", 200, "application/json"},
		{"application/vnd.schemaregistry.v1+json, application/json", "application/json; charset=utf-8", 200, "application/vnd.schemaregistry.v1+json"},
		{"text/html", "application/json", 406, "application/vnd.schemaregistry.v1+json"},
		{"", "text/plain", 415, "application/vnd.schemaregistry.v1+json"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/subjects/m/versions", strings.NewReader(schema(v1)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", c.content)
		if c.accept != "" {
			req.Header.Set("Accept", c.accept)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != c.answer {
			t.Errorf("accept %q, content %q: %d %s, want %d %s", c.accept, c.content, resp.StatusCode, resp.Header.Get("Content-Type"), c.status, c.answer)
		}
	}
}
