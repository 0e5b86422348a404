package rest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/access"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/compat"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
)

// subjects lists what the request asks for and the client may read.
func (q *query) subjects(s *store.State) []string {
	return slices.DeleteFunc(s.Subjects(q.prefix(), q.which()), func(subject string) bool { return !q.may(access.Read, subject) })
}

func (a *api) listSubjects(q *query) (any, error) {
	var out []string
	err := a.View(q.Context(), func(s *store.State) error { out = q.subjects(s); return nil })
	if err != nil {
		return nil, err
	}
	return page(q, out)
}

func (a *api) listVersions(q *query) (any, error) {
	var out []int
	err := a.View(q.Context(), func(s *store.State) (err error) { out, err = s.Versions(q.subject(), q.which()); return err })
	if err != nil {
		return nil, err
	}
	return page(q, out)
}

// one looks up the version of the path.
func (a *api) one(q *query, do func(s *store.State, v *store.Schema) error) error {
	n, err := q.version()
	if err != nil {
		return err
	}
	return a.View(q.Context(), func(s *store.State) error {
		v, err := s.Version(q.subject(), n, q.which())
		if err == nil {
			err = q.readable(v)
		}
		if err == nil {
			err = do(s, v)
		}
		return err
	})
}

func (a *api) version(q *query) (out any, err error) {
	err = a.one(q, func(s *store.State, v *store.Schema) error {
		v, err := q.formed(s, v)
		out = q.body(v)
		return err
	})
	return out, err
}

func (a *api) versionText(q *query) (out any, err error) {
	err = a.one(q, func(s *store.State, v *store.Schema) error {
		v, err := q.formed(s, v)
		out = text(v.Text)
		return err
	})
	return out, err
}

func (a *api) referencedBy(q *query) (any, error) {
	var out []int
	if err := a.one(q, func(s *store.State, v *store.Schema) error { out = s.ReferencedBy(v, q.which()); return nil }); err != nil {
		return nil, err
	}
	return page(q, out)
}

// latestWithMetadata answers the latest version whose metadata have all the pairs that are asked for.
func (a *api) latestWithMetadata(q *query) (out any, err error) {
	keys, values := q.URL.Query()["key"], q.URL.Query()["value"]
	if len(keys) != len(values) {
		return nil, &store.Error{Code: 422, Message: "key and value come in pairs"}
	}
	err = a.View(q.Context(), func(s *store.State) error {
		numbers, err := s.Versions(q.subject(), q.which())
		if err != nil {
			return err
		}
		for _, n := range slices.Backward(numbers) {
			v, err := s.Version(q.subject(), n, q.which())
			if err != nil {
				return err
			}
			if err := q.readable(v); err != nil {
				return err
			}
			if hasPairs(v.Metadata, keys, values) {
				v, err = q.formed(s, v)
				out = q.body(v)
				return err
			}
		}
		return &store.Error{Code: 40403, Message: "Schema not found"}
	})
	return out, err
}

func hasPairs(m *store.Metadata, keys, values []string) bool {
	for i, k := range keys {
		if m == nil || m.Properties[k] != values[i] {
			return false
		}
	}
	return true
}

// schemaRequest is what clients send to register, look up and compare.
type schemaRequest struct {
	ID         int               `json:"id"`
	Version    int               `json:"version"`
	SchemaType string            `json:"schemaType"`
	References []store.Reference `json:"references"`
	Metadata   *store.Metadata   `json:"metadata"`
	RuleSet    *store.RuleSet    `json:"ruleSet"`
	Schema     string            `json:"schema"`
}

// admitted is a request whose schema was read.
type admitted struct {
	store.Registration
	schema compat.Schema // nil: the text comes from the version before
}

// admit reads the schema of a request in the light of the state. Its text is the normal one if the request or the subject's
// config want that.
func (q *query) admit(s *store.State, subject string, r schemaRequest) (*admitted, error) {
	out := &admitted{Registration: store.Registration{
		Subject: subject, Type: r.SchemaType, Metadata: r.Metadata, RuleSet: r.RuleSet, ID: r.ID, Version: r.Version,
	}}
	if out.Type == "" {
		out.Type = store.Avro
	}
	if r.Schema == "" && (r.Metadata != nil || r.RuleSet != nil) {
		return out, nil
	}
	if r.Schema == "" {
		return nil, &store.Error{Code: 42201, Message: "Empty schema"}
	}
	refs, used, err := s.Resolve(subject, r.References)
	if err != nil {
		return nil, err
	}
	for _, u := range used { // what a schema refers to can be seen through it
		if err := q.readable(u.Schema); err != nil {
			return nil, err
		}
	}
	out.References = refs
	if out.schema, err = compat.Parse(out.Type, r.Schema, texts(used)); err != nil {
		return nil, &store.Error{Code: 42201, Message: fmt.Sprintf("Invalid schema %s, details: %v", r.Schema, err)}
	}
	out.Text = out.schema.Text()
	c, _ := s.Config(subject, true)
	if q.flag("normalize") || c.Normalize != nil && *c.Normalize && !q.URL.Query().Has("normalize") {
		out.Text = out.schema.Normal()
		slices.SortFunc(out.References, func(a, b store.Reference) int { return strings.Compare(a.Name, b.Name) })
		out.References = slices.Compact(out.References)
	}
	return out, nil
}

func texts(used []store.Used) (out []compat.Reference) {
	for _, u := range used {
		out = append(out, compat.Reference{Name: u.Name, Text: u.Text})
	}
	return out
}

// parsed reads a stored version again.
func parsed(s *store.State, v *store.Schema) (compat.Schema, error) {
	_, used, err := s.Resolve(v.Subject, v.References)
	if err != nil {
		return nil, err
	}
	return compat.Parse(v.Type, v.Text, texts(used))
}

// compare lists why a schema does not fit to versions.
func compare(s *store.State, fresh compat.Schema, old []*store.Schema, level string) []string {
	if fresh == nil {
		return nil // the text of the version before
	}
	var list []compat.Old
	for _, v := range old {
		schema, err := parsed(s, v)
		if err != nil {
			return []string{fmt.Sprintf("{oldSchemaVersion: %d} cannot be read any more: %v", v.Version, err)}
		}
		list = append(list, compat.Old{Version: v.Version, Schema: schema})
	}
	return compat.Check(fresh, list, level)
}

func (a *api) register(q *query) (any, error) {
	var r schemaRequest
	if err := q.decode(&r); err != nil {
		return nil, err
	}
	var v *store.Schema
	decide := func(s *store.State) (records []store.Record, err error) {
		in, err := q.admit(s, q.subject(), r)
		if err != nil {
			return nil, err
		}
		v, records, err = s.Register(in.Registration, func(old []*store.Schema, c store.Config) []string { return compare(s, in.schema, old, c.Level) })
		return records, err
	}
	// Most registrations are of what is there already: they are answered without the writer.
	there := false
	err := a.View(q.Context(), func(s *store.State) error {
		records, err := decide(s)
		there = err == nil && len(records) == 0
		return nil
	})
	if err == nil && !there {
		err = a.Change(q.Context(), decide)
	}
	if err != nil {
		return nil, err
	}
	if q.extended() {
		return q.body(v), nil
	}
	return map[string]int{"id": v.ID}, nil
}

func (a *api) lookup(q *query) (out any, err error) {
	var r schemaRequest
	if err := q.decode(&r); err != nil {
		return nil, err
	}
	err = a.View(q.Context(), func(s *store.State) error {
		if _, err := s.Versions(q.subject(), q.which()); err != nil {
			return err
		}
		in, err := q.admit(s, q.subject(), r)
		if err != nil {
			return err
		}
		v, err := s.Find(q.subject(), store.HashOf(in.Text, in.References, in.Metadata, in.RuleSet), q.which())
		if err != nil && in.Metadata == nil && in.RuleSet == nil {
			v, err = s.FindText(q.subject(), in.Text, in.References, q.which())
		}
		if err == nil {
			err = q.readable(v)
		}
		if err == nil {
			v, err = q.formed(s, v)
			out = q.body(v)
		}
		return err
	})
	return out, err
}

func (a *api) deleteSubject(q *query) (any, error) {
	var numbers []int
	err := a.Change(q.Context(), func(s *store.State) (records []store.Record, err error) {
		numbers, records, err = s.DeleteSubject(q.subject(), q.flag("permanent"))
		return records, err
	})
	return numbers, err
}

func (a *api) deleteVersion(q *query) (any, error) {
	n, err := q.version()
	if err != nil {
		return nil, err
	}
	deleted := 0
	err = a.Change(q.Context(), func(s *store.State) (records []store.Record, err error) {
		deleted, records, err = s.DeleteVersion(q.subject(), n, q.flag("permanent"))
		return records, err
	})
	return deleted, err
}
