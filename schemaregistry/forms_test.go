package schemaregistry_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/mainstem-io/mainstem/broker/brokertest"
)

// TestNormalize: texts that mean the same are one schema when the request or the config says so.
func TestNormalize(t *testing.T) {
	t.Parallel()
	address := start(t, brokertest.Start(t))
	one := `{"type":"record","name":"R","b":2,"a":1,"fields":[]}`
	two := `{"name":"R","type":"record","a":1,"b":2,"fields":[]}`
	normal := `{\"type\":\"record\",\"name\":\"R\",\"fields\":[],\"a\":1,\"b\":2}`
	for _, c := range []struct{ request, body, want string }{
		{"POST /subjects/plain/versions", schema(one), `{"id":1}`},
		{"POST /subjects/plain/versions", schema(two), `{"id":2}`},
		{"POST /subjects/s/versions?normalize=true", schema(one), `{"id":2}`}, // two is the normal text already
		{"POST /subjects/s/versions?normalize=true", schema(two), `{"id":2}`},
		{"GET /subjects/s/versions/1", "", `{"subject":"s","version":1,"id":2,"schema":"` + normal + `"}`},
		{"POST /subjects/s?normalize=true", schema(one), `{"subject":"s","version":1,"id":2,"schema":"` + normal + `"}`},
		{"POST /subjects/s", schema(one), `{"error_code":40403,"message":"Schema not found"}`},
		{"PUT /config/s", `{"normalize":true}`, `{"normalize":true}`},
		{"POST /subjects/s", schema(one), `{"subject":"s","version":1,"id":2,"schema":"` + normal + `"}`},
		{"POST /subjects/s?normalize=false", schema(one), `{"error_code":40403,"message":"Schema not found"}`},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		if _, got := call(t, address, method, path, c.body); got != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.request, c.body, got, c.want)
		}
	}
}

// TestFormsOfSchemas: format and referenceFormat change what is shown, wherever a schema is shown.
func TestFormsOfSchemas(t *testing.T) {
	t.Parallel()
	address := start(t, brokertest.Start(t))
	register(t, address, ":.ctx:base", "AVRO", `{"type":"enum","name":"E","symbols":["x"]}`)
	_, guid := register(t, address, ":.ctx:user", "AVRO", `{"type":"record","name":"U","fields":[{"name":"e","type":"E"}]}`, "base")
	register(t, address, "p", "PROTOBUF", `syntax = "proto3"; message M {}`)
	subject := url.PathEscape(":.ctx:user")
	resolved := `{"type":"record","name":"U","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["x"]}}]}`
	for path, want := range map[string]string{
		"/schemas/ids/2/schema?subject=:.ctx:&format=resolved":           resolved,
		"/subjects/" + subject + "/versions/1/schema?format=resolved":    resolved,
		"/subjects/" + subject + "/versions/1/schema?format=nobody-does": `{"type":"record","name":"U","fields":[{"name":"e","type":"E"}]}`,
		"/subjects/p/versions/1/schema?format=serialized":                "ChVtYWluc3RlbS9zY2hlbWEucHJvdG8iAwoBTWIGcHJvdG8z",
		"/subjects/p/versions/1/schema?format=ignore_extensions":         "syntax = \"proto3\";\nmessage M {\n}\n",
	} {
		if status, got := call(t, address, "GET", path, ""); got != want || status != 200 {
			t.Errorf("%s\n got %d %s\nwant %s", path, status, got, want)
		}
	}
	for path, want := range map[string]string{
		"/schemas/ids/2?subject=:.ctx:&format=resolved":                     `\"symbols\"`,
		"/schemas/guids/" + guid + "?format=resolved":                       `\"symbols\"`,
		"/subjects/" + subject + "/versions/latest?format=resolved":         `\"symbols\"`,
		"/subjects/" + subject + "/versions/1?referenceFormat=qualified":    `"subject":":.ctx:base"`,
		"/subjects/" + subject + "/versions/1?referenceFormat=default":      `"subject":"base"`,
		"/subjects/" + subject + "/metadata?format=resolved":                `\"symbols\"`,
		"/schemas/ids/2?subject=:.ctx:&referenceFormat=QUALIFIED&format=xx": `"subject":":.ctx:base"`,
	} {
		if status, got := call(t, address, "GET", path, ""); !strings.Contains(got, want) || status != 200 {
			t.Errorf("%s\n got %d %s\nwant %s", path, status, got, want)
		}
	}
}
