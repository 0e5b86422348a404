package rest

import (
	"fmt"
	"strings"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/access"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
)

type verdict struct {
	Compatible bool     `json:"is_compatible"`
	Messages   []string `json:"messages,omitempty"`
}

func (q *query) verdict(messages []string) verdict {
	v := verdict{Compatible: len(messages) == 0}
	if q.flag("verbose") {
		v.Messages = messages
	}
	return v
}

func (a *api) compatibleWith(q *query) (out any, err error) {
	n, err := q.version()
	if err != nil {
		return nil, err
	}
	var r schemaRequest
	if err := q.decode(&r); err != nil {
		return nil, err
	}
	err = a.View(q.Context(), func(s *store.State) error {
		old, err := s.Version(q.subject(), n, store.Live)
		if err != nil {
			return err
		}
		in, err := q.admit(s, q.subject(), r)
		if err != nil {
			return err
		}
		c, _ := s.Config(q.subject(), true)
		if err := q.readable(old); err != nil {
			return err
		}
		out = q.verdict(compare(s, in.schema, []*store.Schema{old}, c.Level))
		return nil
	})
	return out, err
}

func (a *api) compatibleWithAll(q *query) (out any, err error) {
	var r schemaRequest
	if err := q.decode(&r); err != nil {
		return nil, err
	}
	err = a.View(q.Context(), func(s *store.State) error {
		in, err := q.admit(s, q.subject(), r)
		if err != nil {
			return err
		}
		old, c := s.ToCompare(q.subject(), in.Metadata)
		out = q.verdict(compare(s, in.schema, old, c.Level))
		return nil
	})
	return out, err
}

// configRequest is a config as PUT takes it and echoes it: the level has another name there.
type configRequest struct {
	Compatibility string `json:"compatibility,omitempty"`
	store.Config
}

func (a *api) config(q *query) (out any, err error) {
	err = a.View(q.Context(), func(s *store.State) error {
		subject := q.subject()
		c, ok := s.Config(subject, subject == "" || q.flag("defaultToGlobal"))
		if !ok {
			return &store.Error{Code: 40408, Message: fmt.Sprintf("Subject '%s' does not have subject-level compatibility configured", subject)}
		}
		out = c
		return nil
	})
	return out, err
}

func (a *api) setConfig(q *query) (any, error) {
	var r configRequest
	if err := q.decode(&r); err != nil {
		return nil, err
	}
	if r.Alias != "" && !q.may(access.Read, r.Alias) {
		return nil, denied(access.Read, r.Alias)
	}
	change := r.Config
	change.Level = strings.ToUpper(r.Compatibility)
	err := a.Change(q.Context(), func(s *store.State) ([]store.Record, error) { return s.SetConfig(q.subject(), change) })
	r.Compatibility, r.Level = change.Level, ""
	return r, err
}

func (a *api) deleteConfig(q *query) (any, error) {
	var was store.Config
	err := a.Change(q.Context(), func(s *store.State) (records []store.Record, err error) {
		was, records, err = s.DeleteConfig(q.subject())
		return records, err
	})
	return was, err
}

type modeBody struct {
	Mode string `json:"mode"`
}

func (a *api) mode(q *query) (out any, err error) {
	err = a.View(q.Context(), func(s *store.State) error {
		subject := q.subject()
		m, ok := s.Mode(subject, subject == "" || q.flag("defaultToGlobal"))
		if !ok {
			return &store.Error{Code: 40409, Message: fmt.Sprintf("Subject '%s' does not have subject-level mode configured", subject)}
		}
		out = modeBody{m}
		return nil
	})
	return out, err
}

func (a *api) setMode(q *query) (any, error) {
	var r modeBody
	if err := q.decode(&r); err != nil {
		return nil, err
	}
	r.Mode = strings.ToUpper(r.Mode)
	err := a.Change(q.Context(), func(s *store.State) ([]store.Record, error) {
		return s.SetMode(q.subject(), r.Mode, q.flag("force"))
	})
	return r, err
}

func (a *api) deleteMode(q *query) (any, error) {
	var was string
	err := a.Change(q.Context(), func(s *store.State) (records []store.Record, err error) {
		was, records, err = s.DeleteMode(q.subject())
		return records, err
	})
	return modeBody{was}, err
}
