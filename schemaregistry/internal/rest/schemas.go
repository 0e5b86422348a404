package rest

import (
	"slices"
	"strings"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/compat"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
)

// schemaBody is a version as clients see it. GUID and Deleted are of newer registries.
type schemaBody struct {
	Subject    string            `json:"subject,omitempty"`
	Version    int               `json:"version,omitempty"`
	ID         int               `json:"id,omitempty"`
	GUID       string            `json:"guid,omitempty"`
	SchemaType string            `json:"schemaType,omitempty"`
	References []store.Reference `json:"references,omitempty"`
	Metadata   *store.Metadata   `json:"metadata,omitempty"`
	RuleSet    *store.RuleSet    `json:"ruleSet,omitempty"`
	Schema     string            `json:"schema"`
	Deleted    bool              `json:"deleted,omitempty"`
}

func (q *query) body(v *store.Schema) schemaBody {
	b := q.content(v)
	b.Subject, b.Version, b.ID = v.Subject, v.Version, v.ID
	return b
}

// content is a schema without the place where it stands.
func (q *query) content(v *store.Schema) schemaBody {
	b := schemaBody{SchemaType: v.Type, References: v.References, Metadata: v.Metadata, RuleSet: v.RuleSet, Schema: v.Text}
	if v.Type == store.Avro {
		b.SchemaType = ""
	}
	if q.extended() {
		b.GUID, b.Deleted = v.GUID(), v.Deleted
	}
	return b
}

// formed is a version in the form that the request asks for: its text by format, its references by referenceFormat. It answers v
// with an error too.
func (q *query) formed(s *store.State, v *store.Schema) (*store.Schema, error) {
	form, qualified := q.text("format"), strings.EqualFold(q.text("referenceFormat"), "qualified")
	if v == nil || form == "" && !qualified {
		return v, nil
	}
	out := *v
	if qualified {
		out.References = s.Qualified(v)
	}
	if form == "" || form == "default" {
		return &out, nil
	}
	schema, err := parsed(s, v)
	if err != nil {
		return v, err
	}
	out.Text, err = schema.Format(strings.ToLower(form))
	return &out, err
}

func types(*query) (any, error) { return compat.Types(), nil }

func (a *api) byID(q *query, do func(s *store.State, id int) error) error {
	id, err := q.id()
	if err != nil {
		return err
	}
	return a.View(q.Context(), func(s *store.State) error { return do(s, id) })
}

func (a *api) schemaByID(q *query) (out any, err error) {
	err = a.byID(q, func(s *store.State, id int) error {
		v, err := q.readableByID(s, id)
		if err == nil {
			v, err = q.formed(s, v)
			out = q.content(v)
		}
		return err
	})
	return out, err
}

func (a *api) textByID(q *query) (out any, err error) {
	err = a.byID(q, func(s *store.State, id int) error {
		v, err := q.readableByID(s, id)
		if err == nil {
			v, err = q.formed(s, v)
			out = text(v.Text)
		}
		return err
	})
	return out, err
}

func (a *api) usersOfID(q *query) (users []*store.Schema, err error) {
	err = a.byID(q, func(s *store.State, id int) (err error) {
		if users, err = s.UsersOf(q.context(), id, plainSubject(q.text("subject")), q.which()); err == nil {
			users, err = q.onlyReadable(users)
		}
		return err
	})
	return users, err
}

// plainSubject is a subject parameter that names more than a context.
func plainSubject(s string) string {
	if store.IsContext(s) {
		return ""
	}
	return s
}

func (a *api) subjectsOfID(q *query) (any, error) {
	users, err := a.usersOfID(q)
	if err != nil {
		return nil, err
	}
	subjects := []string{}
	for _, v := range users {
		if !slices.Contains(subjects, v.Subject) {
			subjects = append(subjects, v.Subject)
		}
	}
	return page(q, subjects)
}

type subjectVersion struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

func (a *api) versionsOfID(q *query) (any, error) {
	users, err := a.usersOfID(q)
	if err != nil {
		return nil, err
	}
	out := []subjectVersion{}
	for _, v := range users {
		out = append(out, subjectVersion{v.Subject, v.Version})
	}
	return page(q, out)
}

func (a *api) byGUID(q *query) (found []*store.Schema, err error) {
	err = a.View(q.Context(), func(s *store.State) error {
		if found = s.ByGUID(q.PathValue("guid")); len(found) == 0 {
			return &store.Error{Code: 40403, Message: "Schema " + q.PathValue("guid") + " not found"}
		}
		if found, err = q.onlyReadable(found); err != nil {
			return err
		}
		found[0], err = q.formed(s, found[0])
		return err
	})
	return found, err
}

func (a *api) schemaByGUID(q *query) (any, error) {
	found, err := a.byGUID(q)
	if err != nil {
		return nil, err
	}
	return q.content(found[0]), nil
}

type contextID struct {
	Context string `json:"context"`
	ID      int    `json:"id"`
}

func (a *api) idsOfGUID(q *query) (any, error) {
	found, err := a.byGUID(q)
	if err != nil {
		return nil, err
	}
	var out []contextID
	for _, v := range found {
		out = append(out, contextID{store.Context(v.Subject), v.ID})
	}
	return out, nil
}

func (a *api) listSchemas(q *query) (any, error) {
	out := []schemaBody{}
	err := a.View(q.Context(), func(s *store.State) error {
		for _, subject := range q.subjects(s) {
			numbers, err := s.Versions(subject, q.which())
			if err != nil {
				return err
			}
			if q.flag("latestOnly") {
				numbers = numbers[len(numbers)-1:]
			}
			for _, n := range numbers {
				v, err := s.Version(subject, n, q.which())
				if err != nil {
					return err
				}
				out = append(out, q.body(v))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return page(q, out)
}

func (a *api) contexts(q *query) (any, error) {
	var out []string
	err := a.View(q.Context(), func(s *store.State) error { out = s.Contexts(); return nil })
	if err != nil {
		return nil, err
	}
	return page(q, out)
}
