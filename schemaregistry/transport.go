package schemaregistry

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/rest"
)

// Transport answers requests to the registry without a socket, for clients in the same process, whatever host they name. They may do everything.
func (r *Registry) Transport() http.RoundTripper { return &transport{r, rest.Handler(r, nil)} }

type transport struct {
	registry *Registry
	handler  http.Handler
}

var errNotReady = errors.New("the schema registry has not read its log yet")

// RoundTrip is http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.registry.ready.Load() {
		return nil, errNotReady
	}
	if req.Body == nil { // as a server has it
		req = req.Clone(req.Context())
		req.Body = http.NoBody
	}
	a := &answer{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(a, req)
	return &http.Response{
		Status: http.StatusText(a.status), StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(&a.body), ContentLength: int64(a.body.Len()), Request: req,
	}, nil
}

// answer is an http.ResponseWriter that keeps what is written.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
