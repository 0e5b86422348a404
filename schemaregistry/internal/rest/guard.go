package rest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/access"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
)

// who answers the name behind a request.
func who(g *access.Guard, r *http.Request) (string, bool) {
	var c access.Credentials
	c.User, c.Password, c.Basic = r.BasicAuth()
	if kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(kind, "Bearer") {
		c.Bearer = strings.TrimSpace(token)
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		c.Certificate = r.TLS.VerifiedChains[0][0].Subject.CommonName
	}
	if r.Header.Get("Authorization") != "" && !c.Basic && c.Bearer == "" {
		return "", false // what cannot be read is not nothing
	}
	return g.Who(c)
}

// need is the operation that a route is.
func need(pattern string) access.Operation {
	method, path, _ := strings.Cut(pattern, " ")
	switch {
	case method == http.MethodGet, path == "/subjects/{subject}" && method == http.MethodPost, strings.HasPrefix(path, "/compatibility"), path == "/{$}":
		return access.Read
	case method == http.MethodPost:
		return access.Write
	case method == http.MethodDelete && strings.HasPrefix(path, "/subjects"):
		return access.Delete
	}
	return access.Configure
}

// may tells whether the client may do that with a subject.
func (q *query) may(op access.Operation, subject string) bool {
	return q.guard == nil || q.guard.May(q.who, op, subject)
}

// allowed is nil, or why the request goes no further: what its route does to the subject in its path, or to all.
func (q *query) allowed(op access.Operation) error {
	subject := q.subject()
	if subject == "" && op == access.Read { // lists show what the client may read, one by one
		return nil
	}
	if q.may(op, subject) {
		return nil
	}
	return denied(op, subject)
}

func denied(op access.Operation, subject string) error {
	if subject == "" {
		return &store.Error{Code: 40301, Message: fmt.Sprintf("User is denied operation %s on this server.", op)}
	}
	return &store.Error{Code: 40301, Message: fmt.Sprintf("User is denied operation %s on Subject: %s", op, subject)}
}

// readable is nil when the client may read a version: it may have come from another subject than was asked for, by an alias.
func (q *query) readable(v *store.Schema) error {
	if q.may(access.Read, v.Subject) {
		return nil
	}
	return denied(access.Read, v.Subject)
}

// onlyReadable leaves out what the client may not read; an error when nothing is left of something.
func (q *query) onlyReadable(list []*store.Schema) ([]*store.Schema, error) {
	left := slices.DeleteFunc(slices.Clone(list), func(v *store.Schema) bool { return !q.may(access.Read, v.Subject) })
	if len(left) == 0 && len(list) > 0 {
		return nil, denied(access.Read, list[0].Subject)
	}
	return left, nil
}

// readableByID answers the schema of an id as a version that the client may read.
func (q *query) readableByID(s *store.State, id int) (*store.Schema, error) {
	v, err := s.ByID(q.context(), id, q.text("subject"))
	if err != nil || q.may(access.Read, v.Subject) {
		return v, err
	}
	users, err := s.UsersOf(q.context(), id, "", store.All)
	if err != nil {
		return nil, err
	}
	if users, err = q.onlyReadable(users); err != nil {
		return nil, err
	}
	return users[0], nil
}
