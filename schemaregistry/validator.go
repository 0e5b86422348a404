package schemaregistry

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/frame"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
)

// Validator holds records against the schemas of a registry in the same process: it is what broker.Config.Validator wants
// (registry.md 17). It is made before the broker is, and works once the registry that was given it has read its log.
type Validator struct {
	registry atomic.Pointer[Registry]
	fields   sync.Map // fieldKey -> *field
	models   modelCache

	catching sync.Mutex // one reading to the log's end at a time; guards nothing
}

// NewValidator makes a validator, for Config.Validator.
func NewValidator() *Validator { return &Validator{} }

// fieldKey is what a topic demands of its keys or values.
type fieldKey struct {
	topic           string
	key             bool
	level, strategy string
}

// field checks the keys or the values of a topic.
type field struct {
	fieldKey
	v     *Validator
	table atomic.Pointer[table]
	check func(data, header []byte) error // bound once: a method value would be an allocation for each batch
}

// table is what was found out about schemas since the registry changed last. Readers have it without a lock; a new one takes its
// place when something is added.
type table struct {
	generation uint64
	byID       map[int]*verdict
	byGUID     map[frame.GUID]*verdict
}

// maxVerdicts bounds a table: ids come from clients.
const maxVerdicts = 10_000

// negativeFor is how long it is believed that a schema is not there, before the log is read to its end again.
const negativeFor = time.Second

// Field is broker.Validator.
func (v *Validator) Field(topic string, key bool, level, strategy string) func(data, header []byte) error {
	if r := v.registry.Load(); r != nil && topic == r.cfg.Topic {
		return nil // the schemas themselves
	}
	k := fieldKey{topic, key, level, strategy}
	if known, ok := v.fields.Load(k); ok {
		return known.(*field).check
	}
	f := &field{fieldKey: k, v: v}
	f.check = f.run
	known, _ := v.fields.LoadOrStore(k, f)
	return known.(*field).check
}

// run checks one key or value.
func (f *field) run(data, header []byte) error {
	r := f.v.registry.Load()
	if r == nil || !r.ready.Load() {
		return &refusal{id: -1, reason: "the schema registry has not read its log yet", retriable: true}
	}
	fr, err := frame.Parse(data, header)
	if err != nil {
		return &refusal{id: -1, reason: err.Error()}
	}
	t := f.table.Load()
	if generation := r.generation.Load(); t == nil || t.generation != generation {
		t = &table{generation: generation}
	}
	var d *verdict
	if fr.ID >= 0 {
		d = t.byID[fr.ID]
	} else {
		d = t.byGUID[fr.GUID]
	}
	if d == nil || d.stale() {
		if d, err = f.learn(r, t, fr); err != nil {
			return err
		}
	}
	return d.judge(fr)
}

// learn looks a schema up and notes what was found.
func (f *field) learn(r *Registry, t *table, fr frame.Frame) (*verdict, error) {
	d := f.look(r, fr)
	if d.missing {
		// Another registry may have written it: the log is read to its end once, and then not for a while.
		f.v.catching.Lock()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err := r.log.catchUp(ctx, r.log.reader)
		cancel()
		f.v.catching.Unlock()
		if err != nil {
			return nil, &refusal{id: fr.ID, reason: "the schemas cannot be read: " + err.Error(), retriable: true}
		}
		if d = f.look(r, fr); d.missing {
			d.until = time.Now().Add(negativeFor)
		}
	}
	f.table.Store(t.with(fr, d))
	return d, nil
}

// with is the table with one more verdict. Two who add at once may lose one, which is then found again.
func (t *table) with(fr frame.Frame, d *verdict) *table {
	next := &table{generation: t.generation, byID: map[int]*verdict{}, byGUID: map[frame.GUID]*verdict{}}
	if len(t.byID)+len(t.byGUID) < maxVerdicts {
		for k, v := range t.byID {
			next.byID[k] = v
		}
		for k, v := range t.byGUID {
			next.byGUID[k] = v
		}
	}
	if fr.ID >= 0 {
		next.byID[fr.ID] = d
	} else {
		next.byGUID[fr.GUID] = d
	}
	return next
}

// look asks the state about a schema: who has it, and what it is.
func (f *field) look(r *Registry, fr frame.Frame) *verdict {
	r.mu.RLock()
	users := usersOf(r.state, fr)
	if len(users) == 0 {
		r.mu.RUnlock()
		return &verdict{missing: true, err: &refusal{id: fr.ID, reason: "no schema has " + name(fr)}}
	}
	schema := users[0]
	_, used, err := r.state.Resolve(schema.Subject, schema.References)
	has := func(subject string) bool {
		subject = r.state.Alias(subject)
		for _, u := range users {
			if u.Subject == subject {
				return true
			}
		}
		return false
	}
	own := has(f.topicSubject())
	r.mu.RUnlock()
	if err != nil {
		return &verdict{err: &refusal{id: schema.ID, reason: err.Error()}}
	}
	if f.strategy == "topic" && !own {
		// Somebody may register it right now, elsewhere: that is looked for as if the schema were missing.
		return &verdict{missing: true, err: f.foreign(schema.ID, f.topicSubject())}
	}
	return f.compile(schema, used, func(subject string) bool {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return has(subject)
	})
}

// topicSubject is the subject under the strategy topic.
func (f *field) topicSubject() string {
	if f.key {
		return f.topic + "-key"
	}
	return f.topic + "-value"
}

func (f *field) foreign(id int, subject string) error {
	return &refusal{id: id, reason: fmt.Sprintf("schema %d is not registered under subject %s", id, subject)}
}

// usersOf lists the versions of the default context that have a schema, deleted ones too: a producer that knows one from before
// must not break.
func usersOf(s *store.State, fr frame.Frame) []*store.Schema {
	id := fr.ID
	if id < 0 {
		for _, v := range s.ByGUID(fr.GUID.String()) {
			if store.Context(v.Subject) == "." {
				id = v.ID
			}
		}
	}
	users, err := s.UsersOf(".", id, "", store.All)
	if err != nil {
		return nil
	}
	return users
}

func name(fr frame.Frame) string {
	if fr.ID >= 0 {
		return fmt.Sprintf("id %d", fr.ID)
	}
	return "GUID " + fr.GUID.String()
}

// refusal is why a key or a value does not pass.
type refusal struct {
	id        int // of the schema, -1 when none is named
	reason    string
	retriable bool
}

// Error and the other two are what the broker asks for.
func (r *refusal) Error() string   { return r.reason }
func (r *refusal) SchemaID() int   { return r.id }
func (r *refusal) Retriable() bool { return r.retriable }
