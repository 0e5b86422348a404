package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Formats of schemas.
const (
	Avro     = "AVRO"
	JSON     = "JSON"
	Protobuf = "PROTOBUF"
)

// Schema is a version of a subject. It is replaced, never changed.
type Schema struct {
	Subject    string // with its context
	Version    int
	ID         int
	Type       string // AVRO, JSON or PROTOBUF
	References []Reference
	Metadata   *Metadata
	RuleSet    *RuleSet
	Text       string
	Deleted    bool

	hash    Hash
	unknown []member
}

// GUID identifies the content in every registry.
func (s *Schema) GUID() string { return s.hash.GUID() }

// State is what the records say. Make it with New.
type State struct {
	subjects map[string]map[int]*Schema
	contexts map[string]*idSpace
	configs  map[string]*Config // by subject, by context, or "" for all
	modes    map[string]string
	level    string // of the server, for who has none
}

// idSpace holds the ids of a context.
type idSpace struct {
	byID   map[int]map[subjectVersion]*Schema
	byHash map[Hash]int
	next   int // above every id that was ever seen
}

type subjectVersion struct {
	subject string
	version int
}

// New makes the state of an empty topic; level is the compatibility of who has none of its own.
func New(level string) *State {
	return &State{
		subjects: map[string]map[int]*Schema{}, contexts: map[string]*idSpace{}, configs: map[string]*Config{}, modes: map[string]string{}, level: level,
	}
}

// Context is the context of a subject: ".ctx" of ":.ctx:name", "." without one.
func Context(subject string) string {
	if ctx, _, ok := splitSubject(subject); ok {
		return ctx
	}
	return "."
}

// IsContext tells whether a subject names a context and nothing in it.
func IsContext(subject string) bool {
	_, name, ok := splitSubject(subject)
	return ok && name == ""
}

func splitSubject(subject string) (ctx, name string, ok bool) {
	if !strings.HasPrefix(subject, ":.") {
		return "", subject, false
	}
	ctx, name, ok = strings.Cut(subject[1:], ":")
	return ctx, name, ok
}

// ids are those of a context, for who changes them.
func (s *State) ids(ctx string) *idSpace {
	space := s.peek(ctx)
	s.contexts[ctx] = space
	return space
}

// peek is ids for who only reads.
func (s *State) peek(ctx string) *idSpace {
	if space := s.contexts[ctx]; space != nil {
		return space
	}
	return &idSpace{byID: map[int]map[subjectVersion]*Schema{}, byHash: map[Hash]int{}, next: 1}
}

// Apply takes a record. An error says that it was skipped, and why.
func (s *State) Apply(r Record) error {
	var k anyKey
	if err := json.Unmarshal(r.Key, &k); err != nil {
		return fmt.Errorf("a key that is no JSON: %.100q: %w", r.Key, err)
	}
	var err error
	switch k.Type {
	case keySchema:
		err = s.applySchema(k, r.Value)
	case keyConfig:
		err = s.applyConfig(k, r.Value)
	case keyMode:
		err = s.applyMode(k, r.Value)
	case keyDeleteSubject:
		err = s.applyDelete(r.Value)
	case keyContext:
		err = s.applyContext(r.Value)
	case keyClearSubject, keyNoop:
	default:
		err = fmt.Errorf("a key type that is not known")
	}
	if err != nil {
		return fmt.Errorf("record %.200s: %w", r.Key, err)
	}
	return nil
}

func (s *State) applySchema(k anyKey, raw []byte) error {
	if k.Subject == nil || k.Magic > 1 {
		return fmt.Errorf("no subject, or a magic of %d", k.Magic)
	}
	s.remove(*k.Subject, k.Version)
	if raw == nil {
		return nil
	}
	var v schemaValue
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	more, err := unknown(raw, schemaMembers)
	if err != nil {
		return err
	}
	schema := &Schema{
		Subject: *k.Subject, Version: k.Version, ID: v.ID, Type: v.SchemaType, References: v.References, Metadata: v.Metadata, RuleSet: v.RuleSet,
		Text: v.Schema, Deleted: v.Deleted, hash: HashOf(v.Schema, v.References, v.Metadata, v.RuleSet), unknown: more,
	}
	if schema.Type == "" {
		schema.Type = Avro
	}
	s.add(schema)
	return nil
}

func (s *State) add(v *Schema) {
	if s.subjects[v.Subject] == nil {
		s.subjects[v.Subject] = map[int]*Schema{}
	}
	s.subjects[v.Subject][v.Version] = v
	space := s.ids(Context(v.Subject))
	if space.byID[v.ID] == nil {
		space.byID[v.ID] = map[subjectVersion]*Schema{}
	}
	space.byID[v.ID][subjectVersion{v.Subject, v.Version}] = v
	space.byHash[v.hash] = v.ID
	space.next = max(space.next, v.ID+1)
}

// remove forgets a version, but never that its id was used.
func (s *State) remove(subject string, version int) {
	v := s.subjects[subject][version]
	if v == nil {
		return
	}
	if delete(s.subjects[subject], version); len(s.subjects[subject]) == 0 {
		delete(s.subjects, subject)
	}
	space := s.ids(Context(subject))
	if delete(space.byID[v.ID], subjectVersion{subject, version}); len(space.byID[v.ID]) == 0 {
		delete(space.byID, v.ID)
		if space.byHash[v.hash] == v.ID {
			delete(space.byHash, v.hash)
		}
	}
}

// Reserve takes note of the ids in records that were aborted: a registry that reads uncommitted data may have shown them.
func (s *State) Reserve(r Record) {
	var k anyKey
	var v schemaValue
	if json.Unmarshal(r.Key, &k) == nil && k.Type == keySchema && k.Subject != nil && json.Unmarshal(r.Value, &v) == nil {
		space := s.ids(Context(*k.Subject))
		space.next = max(space.next, v.ID+1)
	}
}

func scope(k anyKey) string {
	if k.Subject == nil {
		return ""
	}
	return *k.Subject
}

func (s *State) applyConfig(k anyKey, raw []byte) error {
	if raw == nil {
		delete(s.configs, scope(k))
		return nil
	}
	c := &Config{}
	if err := json.Unmarshal(raw, c); err != nil {
		return err
	}
	var err error
	c.unknown, err = unknown(raw, configMembers)
	s.configs[scope(k)] = c
	return err
}

func (s *State) applyMode(k anyKey, raw []byte) error {
	if raw == nil {
		delete(s.modes, scope(k))
		return nil
	}
	var v modeValue
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	s.modes[scope(k)] = v.Mode
	return nil
}

// applyDelete is the old form of a soft delete of many versions.
func (s *State) applyDelete(raw []byte) error {
	if raw == nil {
		return nil
	}
	var v subjectValue
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	for n, old := range s.subjects[v.Subject] {
		if n <= v.Version && !old.Deleted {
			gone := *old
			gone.Deleted = true
			s.remove(v.Subject, n)
			s.add(&gone)
		}
	}
	return nil
}

// versions lists a subject's versions in their order, deleted ones too.
func (s *State) versions(subject string) []*Schema {
	all := s.subjects[subject]
	out := make([]*Schema, 0, len(all))
	for _, n := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[n])
	}
	return out
}
