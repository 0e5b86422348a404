package serde

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/compat"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/frame"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
)

// Registry is what serdes ask: a client with caches. One is enough for a program.
type Registry struct {
	cl      *sr.Client
	ids     cache[int, *Schema]
	guids   cache[string, *Schema]
	written cache[string, *Schema] // by subject and text: what values are written under
	latest  cache[string, *Schema] // by subject and metadata
}

// NewRegistry wraps a client.
func NewRegistry(cl *sr.Client) *Registry { return &Registry{cl: cl} }

// Schema is a registered schema.
type Schema struct {
	ID      int // -1: it was asked for by GUID
	GUID    string
	Subject string // "" when it was asked for by id
	Version int
	sr.Schema

	used []compat.Reference // texts of what it refers to, what is used first
}

func (r *Registry) byID(ctx context.Context, id int) (*Schema, error) {
	return r.ids.get(ctx, id, 0, func(ctx context.Context) (*Schema, error) {
		found, err := r.cl.SchemaByID(ctx, id)
		if missing(err) {
			return nil, fmt.Errorf("%w: id %d: %w", ErrUnknownID, id, err)
		}
		if err != nil {
			return nil, fmt.Errorf("ask for schema %d: %w", id, err)
		}
		return r.complete(ctx, &Schema{ID: id, Schema: found})
	})
}

func (r *Registry) byGUID(ctx context.Context, guid string) (*Schema, error) {
	return r.guids.get(ctx, guid, 0, func(ctx context.Context) (*Schema, error) {
		found, err := r.cl.SchemaByGUID(ctx, guid)
		if missing(err) {
			return nil, fmt.Errorf("%w: GUID %s: %w", ErrUnknownID, guid, err)
		}
		if err != nil {
			return nil, fmt.Errorf("ask for schema %s: %w", guid, err)
		}
		return r.complete(ctx, &Schema{ID: -1, GUID: guid, Schema: found.Schema})
	})
}

// lookUp finds the schema of a type among the versions of a subject; with register it is made one of them.
func (r *Registry) lookUp(ctx context.Context, subject string, s sr.Schema, register, normalize bool) (*Schema, error) {
	key := fmt.Sprint(subject, "\x00", s.Schema, "\x00", s.References, register, normalize)
	return r.written.get(ctx, key, 0, func(ctx context.Context) (*Schema, error) {
		if normalize {
			ctx = sr.WithParams(ctx, sr.Normalize)
		}
		ask := r.cl.LookupSchema
		if register {
			ask = r.cl.CreateSchema
		}
		found, err := ask(ctx, subject, s)
		switch {
		case missing(err):
			return nil, fmt.Errorf("subject %s: %w: %w", subject, ErrNotRegistered, err)
		case err != nil:
			return nil, fmt.Errorf("look the schema for %s up: %w", subject, incompatible(subject, err))
		}
		return r.complete(ctx, &Schema{ID: found.ID, GUID: found.GUID, Subject: subject, Version: found.Version, Schema: found.Schema})
	})
}

// newest is the latest version of a subject, or the latest with all of the properties.
func (r *Registry) newest(ctx context.Context, subject string, with map[string]string, ttl time.Duration) (*Schema, error) {
	return r.latest.get(ctx, fmt.Sprint(subject, "\x00", with), ttl, func(ctx context.Context) (*Schema, error) {
		var found sr.SubjectSchema
		var err error
		if len(with) == 0 {
			found, err = r.cl.SchemaByVersion(ctx, subject, -1)
		} else {
			query := url.Values{}
			for k, v := range with {
				query.Add("key", k)
				query.Add("value", v)
			}
			err = r.cl.Do(sr.WithParams(ctx, sr.RawParams(query)), http.MethodGet, "/subjects/"+url.PathEscape(subject)+"/metadata", nil, &found)
		}
		switch {
		case missing(err):
			return nil, fmt.Errorf("subject %s has no such version: %w: %w", subject, ErrNotRegistered, err)
		case err != nil:
			return nil, fmt.Errorf("ask for the latest version of %s: %w", subject, err)
		}
		return r.complete(ctx, &Schema{ID: found.ID, GUID: found.GUID, Subject: subject, Version: found.Version, Schema: found.Schema})
	})
}

// complete reads what a schema refers to, and works its GUID out where the registry does not say it.
func (r *Registry) complete(ctx context.Context, s *Schema) (*Schema, error) {
	seen := map[string]bool{}
	var read func(refs []sr.SchemaReference) error
	read = func(refs []sr.SchemaReference) error {
		for _, ref := range refs {
			at := fmt.Sprint(ref.Subject, "\x00", ref.Version)
			if seen[at] {
				continue
			}
			if seen[at] = true; len(seen) > maxCached {
				return fmt.Errorf("schema %d refers to more than %d others", s.ID, maxCached)
			}
			found, err := r.cl.SchemaByVersion(sr.WithParams(ctx, sr.ShowDeleted), ref.Subject, ref.Version)
			if err != nil {
				return fmt.Errorf("ask for version %d of %s, to which schema %d refers: %w", ref.Version, ref.Subject, s.ID, err)
			}
			if err := read(found.References); err != nil {
				return err
			}
			s.used = append(s.used, compat.Reference{Name: ref.Name, Text: found.Schema.Schema})
		}
		return nil
	}
	if err := read(s.References); err != nil {
		return nil, err
	}
	if s.GUID == "" {
		guid, err := guidOf(s.Schema)
		if err != nil {
			return nil, err
		}
		s.GUID = guid
	}
	return s, nil
}

// guidOf hashes the content as registries do (registry.md 10.3).
func guidOf(s sr.Schema) (string, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("hash a schema: %w", err)
	}
	var content struct {
		References []store.Reference `json:"references"`
		Metadata   *store.Metadata   `json:"metadata"`
		RuleSet    *store.RuleSet    `json:"ruleSet"`
	}
	if err := json.Unmarshal(raw, &content); err != nil {
		return "", fmt.Errorf("hash a schema: %w", err)
	}
	return store.HashOf(s.Schema, content.References, content.Metadata, content.RuleSet).GUID(), nil
}

// parseGUID reads a GUID's text.
func parseGUID(text string) (frame.GUID, error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(raw) != len(frame.GUID{}) {
		return frame.GUID{}, fmt.Errorf("the registry has answered a GUID that is none: %q", text)
	}
	return frame.GUID(raw), nil
}
