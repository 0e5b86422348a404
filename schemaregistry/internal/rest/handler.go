// Package rest owns the HTTP face of a schema registry: routes, media types, bodies and errors as Confluent's registry has them
// (registry.md 4 to 6). It decides nothing about schemas.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/access"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
)

// Registry is what requests are answered from.
type Registry interface {
	// View looks at the state; an error of ask is answered.
	View(ctx context.Context, ask func(s *store.State) error) error
	// Change writes what decide says and waits until it is in the state.
	Change(ctx context.Context, decide func(s *store.State) ([]store.Record, error)) error
}

// handler answers one route: a body, or an error.
type handler func(q *query) (any, error)

type api struct {
	Registry
	guard *access.Guard // nil: everybody may do everything
}

// Handler serves the registry to whom a guard lets in; without one, to everybody.
func Handler(r Registry, guard *access.Guard) http.Handler {
	a := &api{r, guard}
	mux := http.NewServeMux()
	for pattern, h := range a.routes() {
		mux.Handle(pattern, a.serve(h, need(pattern)))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		answer(w, mediaTypes[0], http.StatusNotFound, errorBody{404, "HTTP 404 Not Found"})
	})
	return mux
}

func (a *api) routes() map[string]handler {
	return map[string]handler{
		"GET /{$}": empty, "POST /{$}": empty,
		"GET /schemas": a.listSchemas, "GET /schemas/types": types, "GET /schemas/ids/{id}": a.schemaByID, "GET /schemas/ids/{id}/schema": a.textByID,
		"GET /schemas/ids/{id}/subjects": a.subjectsOfID, "GET /schemas/ids/{id}/versions": a.versionsOfID,
		"GET /schemas/guids/{guid}": a.schemaByGUID, "GET /schemas/guids/{guid}/ids": a.idsOfGUID,
		"GET /subjects": a.listSubjects, "POST /subjects/{subject}": a.lookup, "DELETE /subjects/{subject}": a.deleteSubject,
		"GET /subjects/{subject}/versions": a.listVersions, "POST /subjects/{subject}/versions": a.register,
		"GET /subjects/{subject}/versions/{version}": a.version, "DELETE /subjects/{subject}/versions/{version}": a.deleteVersion,
		"GET /subjects/{subject}/versions/{version}/schema": a.versionText, "GET /subjects/{subject}/versions/{version}/referencedby": a.referencedBy,
		"GET /subjects/{subject}/metadata":                          a.latestWithMetadata,
		"POST /compatibility/subjects/{subject}/versions/{version}": a.compatibleWith,
		"POST /compatibility/subjects/{subject}/versions":           a.compatibleWithAll,
		"GET /config": a.config, "PUT /config": a.setConfig, "DELETE /config": a.deleteConfig,
		"GET /config/{subject}": a.config, "PUT /config/{subject}": a.setConfig, "DELETE /config/{subject}": a.deleteConfig,
		"GET /mode": a.mode, "PUT /mode": a.setMode, "DELETE /mode": a.deleteMode,
		"GET /mode/{subject}": a.mode, "PUT /mode/{subject}": a.setMode, "DELETE /mode/{subject}": a.deleteMode,
		"GET /contexts":       a.contexts,
		"GET /v1/metadata/id": metadataID, "GET /v1/metadata/version": metadataVersion,
		"GET /associations/resources/{namespace}/{name}": none, "GET /associations/resources/{id}": none, "GET /associations/subjects/{subject}": none,
		"GET /exporters": none,
	}
}

func empty(*query) (any, error) { return struct{}{}, nil }
func none(*query) (any, error)  { return []string{}, nil }

func metadataID(*query) (any, error) {
	return map[string]any{"scope": map[string]any{"path": []string{}, "clusters": map[string]string{"schema-registry-cluster": "schema-registry"}}, "id": ""}, nil
}

func metadataVersion(*query) (any, error) {
	return map[string]string{"version": "8.0.0-mainstem", "commitId": ""}, nil
}

// mediaTypes of answers, best first.
var mediaTypes = []string{"application/vnd.schemaregistry.v1+json", "application/vnd.schemaregistry+json", "application/json"}

type errorBody struct {
	Code    int    `json:"error_code"`
	Message string `json:"message"`
}

// text is a body that is sent as it is.
type text string

func (a *api) serve(h handler, op access.Operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &query{Request: r, guard: a.guard}
		if a.guard != nil {
			var known bool
			if q.who, known = who(a.guard, r); !known {
				w.Header().Set("WWW-Authenticate", `Basic realm="schema registry", Bearer`)
				answer(w, mediaTypes[0], http.StatusUnauthorized, errorBody{401, "Unauthorized"})
				return
			}
		}
		media, ok := accepted(r.Header.Values("Accept"))
		if !ok {
			answer(w, mediaTypes[0], http.StatusNotAcceptable, errorBody{406, "HTTP 406 Not Acceptable"})
			return
		}
		if r.ContentLength != 0 && !readable(r.Header.Get("Content-Type")) {
			answer(w, media, http.StatusUnsupportedMediaType, errorBody{415, "HTTP 415 Unsupported Media Type"})
			return
		}
		err := q.allowed(op)
		var body any
		if err == nil {
			body, err = h(q)
		}
		if err != nil {
			status, e := failure(err)
			answer(w, media, status, e)
			return
		}
		answer(w, media, http.StatusOK, body)
	})
}

// failure is how an error is told.
func failure(err error) (status int, body errorBody) {
	var e *store.Error
	if !errors.As(err, &e) {
		return http.StatusInternalServerError, errorBody{50001, "Error in the backend data store: " + err.Error()}
	}
	status = e.Code
	for status >= 1000 {
		status /= 10
	}
	return status, errorBody{e.Code, e.Message}
}

func answer(w http.ResponseWriter, media string, status int, body any) {
	w.Header().Set("Content-Type", media)
	var b bytes.Buffer
	if t, ok := body.(text); ok {
		b.WriteString(string(t))
	} else {
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(body); err != nil {
			status = http.StatusInternalServerError
		}
		b.Truncate(max(0, b.Len()-1)) // the encoder's newline
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a client that is gone
}

// accepted picks the best type that a client takes.
func accepted(accept []string) (string, bool) {
	list := strings.Split(strings.Join(accept, ","), ",")
	if len(list) == 1 && strings.TrimSpace(list[0]) == "" {
		return mediaTypes[0], true
	}
	best := len(mediaTypes)
	for _, item := range list {
		media, _, err := mime.ParseMediaType(item)
		if err != nil {
			continue
		}
		if media == "*/*" || media == "application/*" {
			best = 0
		}
		if i := slices.Index(mediaTypes, media); i >= 0 {
			best = min(best, i)
		}
	}
	if best == len(mediaTypes) {
		return "", false
	}
	return mediaTypes[best], true
}

func readable(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/octet-stream" || slices.Contains(mediaTypes, media))
}

// query is a request with its parameters.
type query struct {
	*http.Request
	guard *access.Guard
	who   string
}

func (q *query) flag(name string) bool { return strings.EqualFold(q.URL.Query().Get(name), "true") }

func (q *query) text(name string) string { return q.URL.Query().Get(name) }

// extended tells whether the client takes members that older registries do not have.
func (q *query) extended() bool {
	return q.Header.Get("Confluent-Accept-Unknown-Properties") != "" || q.Header.Get("X-Confluent-Accept-Unknown-Properties") != ""
}

func (q *query) subject() string {
	if s := q.PathValue("subject"); s != ":.:" {
		return strings.TrimPrefix(s, ":.:") // the default context by its name
	}
	return ""
}

// prefix is the one that lists of subjects are asked for; without one, every subject of every context.
func (q *query) prefix() string {
	if q.URL.Query().Has("subjectPrefix") {
		return q.text("subjectPrefix")
	}
	return store.AnyContext
}

func (q *query) which() store.Which {
	switch {
	case q.flag("deletedOnly"):
		return store.Deleted
	case q.flag("deleted"):
		return store.All
	}
	return store.Live
}

// version reads a version number, or the words for the latest.
func (q *query) version() (int, error) {
	given := q.PathValue("version")
	if given == "latest" || given == "-1" {
		return store.Latest, nil
	}
	n, err := strconv.ParseInt(given, 10, 32)
	if err != nil || n < 1 {
		return 0, &store.Error{Code: 42202, Message: fmt.Sprintf("The specified version '%s' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\"", given)}
	}
	return int(n), nil
}

func (q *query) id() (int, error) {
	n, err := strconv.ParseInt(q.PathValue("id"), 10, 32)
	if err != nil {
		return 0, &store.Error{Code: 404, Message: "HTTP 404 Not Found"}
	}
	return int(n), nil
}

// context is the one that a subject parameter hints at.
func (q *query) context() string { return store.Context(q.text("subject")) }

// decode reads the body.
func (q *query) decode(into any) error {
	d := json.NewDecoder(q.Body)
	if err := d.Decode(into); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return &store.Error{Code: 42209, Message: fmt.Sprintf("The schema is larger than %d bytes", tooLarge.Limit)}
		}
		return &store.Error{Code: 422, Message: "The request is no JSON of the form that is wanted: " + err.Error()}
	}
	return nil
}

// page cuts a list by offset and limit.
func page[T any](q *query, list []T) ([]T, error) {
	offset, limit := 0, -1
	for name, to := range map[string]*int{"offset": &offset, "limit": &limit} {
		if given := q.text(name); given != "" {
			n, err := strconv.Atoi(given)
			if err != nil {
				return nil, &store.Error{Code: 404, Message: "HTTP 404 Not Found"}
			}
			*to = n
		}
	}
	list = list[min(max(0, offset), len(list)):]
	if limit >= 0 && limit < len(list) {
		list = list[:limit]
	}
	if list == nil {
		list = []T{} // never null
	}
	return list, nil
}
