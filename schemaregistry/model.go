package schemaregistry

import (
	"slices"
	"strings"
	"sync"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/compat"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/rule"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/walk"
)

// modelCache keeps what schemas were read to, for all topics: verdicts come and go with every change of the registry.
type modelCache struct {
	mu     sync.Mutex // guards models
	models map[*store.Schema]*model
}

// model is a schema that was read, and what was compiled from it.
type model struct {
	used  []store.Used
	is    any
	err   error
	rules []rule.Rule

	mu      sync.Mutex // guards walkers
	walkers map[walkerKey]walk.Walker
}

type walkerKey struct {
	level   string
	message string // of Protobuf
}

// maxModels bounds the cache; a registry with more starts it anew.
const maxModels = 10_000

func (c *modelCache) get(schema *store.Schema, used []store.Used) *model {
	c.mu.Lock()
	known := c.models[schema]
	c.mu.Unlock()
	if known != nil && slices.Equal(known.used, used) {
		return known
	}
	var refs []compat.Reference
	for _, u := range used {
		refs = append(refs, compat.Reference{Name: u.Name, Text: u.Text})
	}
	m := &model{used: used, rules: conditions(schema.RuleSet), walkers: map[walkerKey]walk.Walker{}}
	parsed, err := compat.Parse(schema.Type, schema.Text, refs)
	if m.err = err; err == nil {
		m.is = parsed.Model()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.models == nil || len(c.models) >= maxModels {
		c.models = map[*store.Schema]*model{}
	}
	c.models[schema] = m
	return m
}

// conditions are the domain rules in CEL that hold for what is written. What transforms or encrypts is a client's work, and so is
// a rule whose failure means nothing.
func conditions(set *store.RuleSet) (out []rule.Rule) {
	if set == nil {
		return nil
	}
	for _, r := range set.DomainRules {
		onFailure, _, _ := strings.Cut(r.OnFailure, ",") // of writing, then of reading
		if r.Type == "CEL" && r.Kind == "CONDITION" && (r.Mode == "" || r.Mode == "WRITE" || r.Mode == "WRITEREAD") && !r.Disabled && onFailure != "NONE" {
			out = append(out, rule.Rule{Name: r.Name, Doc: r.Doc, Expr: r.Expr})
		}
	}
	return out
}

// walker is what a level demands of data, compiled once; nil for the level id.
func (m *model) walker(level, message string, structure func() walk.Walker, compile func([]rule.Rule) (rule.Checker, error)) walk.Walker {
	if level == "id" {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at := walkerKey{level, message}
	if w := m.walkers[at]; w != nil {
		return w
	}
	w := structure()
	if level == "rule" {
		rules, err := compile(m.rules)
		switch {
		case err != nil:
			w = broken{err}
		case rules != nil:
			w = ruled{w, rules}
		}
	}
	m.walkers[at] = w
	return w
}

// ruled checks the structure, then what else is demanded.
type ruled struct {
	walk.Walker
	rules rule.Checker
}

// Check is walk.Walker.
func (r ruled) Check(data []byte) error {
	if err := r.Walker.Check(data); err != nil {
		return err
	}
	return r.rules.Check(data)
}

// broken refuses everything: rules that cannot be read would otherwise let everything through.
type broken struct{ err error }

// Check is walk.Walker.
func (b broken) Check([]byte) error { return b.err }
