package schemaregistry

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/compat"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
)

// Validator holds the payloads of produced records against the registry's schemas (registry.md 17). It answers from memory; only an id
// that it has not heard of makes it read the log to its end, once a second at most, because a client registers and produces at once.
type Validator struct {
	r *Registry

	mu       sync.RWMutex
	verdicts map[question]verdict
	checkers map[string]compat.Checker // by the schema's GUID: content never changes
	looked   atomic.Int64              // when the log was last read for an unknown id, in Unix milliseconds
}

// question is what is asked of an id or a GUID.
type question struct {
	topic    string
	key      bool
	strategy string
	id       int32
	guid     [16]byte
}

// verdict is the answer as of a state of the log.
type verdict struct {
	generation int64
	schema     compat.Checker
	subjects   map[string]bool // that hold the schema, deleted versions too
	id         int32
	err        error
}

// maxVerdicts bounds what is remembered: ids come from clients.
const maxVerdicts = 10_000

// Validator is the registry as a broker's validator.
func (r *Registry) Validator() *Validator {
	return &Validator{r: r, verdicts: map[question]verdict{}, checkers: map[string]compat.Checker{}}
}

var errUnframed = errors.New("no schema id: the payload does not begin with a magic byte of 0 or 1, and no header names a schema")

// Validate says what is wrong with a key or a value. level is id or decode, strategy topic, record or topic-record; header is the
// value of the record's __key_schema_id or __value_schema_id. It answers the id that the payload names.
func (v *Validator) Validate(topic string, key bool, level, strategy string, data, header []byte) (int32, error) {
	q := question{topic: topic, key: key, strategy: strategy}
	body, err := q.frame(data, header)
	if err != nil {
		return 0, err
	}
	found := v.ask(q)
	if found.err != nil {
		return q.id, found.err
	}
	if subject := q.subject(found.schema.RecordName(body)); !found.subjects[subject] {
		return found.id, fmt.Errorf("schema id %d is not of subject %q", found.id, subject)
	}
	if level == "id" {
		return found.id, found.schema.Framed(body)
	}
	if err := found.schema.Check(body); err != nil {
		return found.id, fmt.Errorf("not data of schema id %d: %w", found.id, err)
	}
	return found.id, nil
}

// frame reads which schema a payload names and answers what is behind that (registry.md 12).
func (q *question) frame(data, header []byte) (body []byte, err error) {
	switch {
	case len(header) == 17 && header[0] == 1:
		copy(q.guid[:], header[1:])
		return data, nil
	case len(header) == 5 && header[0] == 0:
		q.id = int32(binary.BigEndian.Uint32(header[1:]))
		return data, nil
	case header != nil:
		return nil, errors.New("the header that names the schema is malformed")
	case len(data) >= 5 && data[0] == 0:
		q.id = int32(binary.BigEndian.Uint32(data[1:]))
		return data[5:], nil
	case len(data) >= 17 && data[0] == 1:
		copy(q.guid[:], data[1:])
		return data[17:], nil
	}
	return nil, errUnframed
}

// subject is the subject that the strategy asks for.
func (q *question) subject(record string) string {
	switch q.strategy {
	case "record":
		return record
	case "topic-record":
		return q.topic + "-" + record
	}
	if q.key {
		return q.topic + "-key"
	}
	return q.topic + "-value"
}

// ask answers from memory when that is as new as the log.
func (v *Validator) ask(q question) verdict {
	now := v.r.generation.Load()
	v.mu.RLock()
	found, ok := v.verdicts[q]
	v.mu.RUnlock()
	if ok && found.generation == now {
		if found.err == nil || !v.mayLook() {
			return found
		}
	}
	found = v.find(q)
	if found.err != nil && v.mayLook() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := v.r.log.catchUp(ctx, v.r.log.reader); err != nil {
			v.r.logger.Warn("an unknown schema id could not be looked up at the end of the log", "error", err)
		}
		v.looked.Store(time.Now().UnixMilli())
		found = v.find(q)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.verdicts) >= maxVerdicts {
		clear(v.verdicts)
	}
	v.verdicts[q] = found
	return found
}

func (v *Validator) mayLook() bool { return time.Now().UnixMilli()-v.looked.Load() > 1000 }

// find looks a schema up and makes its checker.
func (v *Validator) find(q question) verdict {
	v.r.mu.RLock()
	defer v.r.mu.RUnlock()
	out := verdict{generation: v.r.generation.Load(), id: q.id}
	var all []*store.Schema
	if q.id != 0 {
		all, _ = v.r.state.UsersOf(".", int(q.id), "", store.All)
	} else {
		for _, s := range v.r.state.ByGUID(guidText(q.guid)) {
			if store.Context(s.Subject) == "." {
				all, _ = v.r.state.UsersOf(".", s.ID, "", store.All)
			}
		}
	}
	if len(all) == 0 {
		out.err = fmt.Errorf("schema id %d is not registered", q.id)
		if q.id == 0 {
			out.err = fmt.Errorf("schema %s is not registered", guidText(q.guid))
		}
		return out
	}
	out.id = int32(all[0].ID)
	out.subjects = make(map[string]bool, len(all))
	for _, s := range all {
		out.subjects[s.Subject] = true
	}
	out.schema, out.err = v.checker(all[0])
	return out
}

// checker compiles a schema once.
func (v *Validator) checker(s *store.Schema) (compat.Checker, error) {
	v.mu.RLock()
	c := v.checkers[s.GUID()]
	v.mu.RUnlock()
	if c != nil {
		return c, nil
	}
	_, used, err := v.r.state.Resolve(s.Subject, s.References)
	if err != nil {
		return nil, err
	}
	var refs []compat.Reference
	for _, u := range used {
		refs = append(refs, compat.Reference{Name: u.Name, Text: u.Text})
	}
	parsed, err := compat.Parse(s.Type, s.Text, refs)
	if err != nil {
		return nil, fmt.Errorf("schema id %d cannot be read: %w", s.ID, err)
	}
	if c, err = compat.Checkable(parsed); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.checkers[s.GUID()] = c
	return c, nil
}

// guidText is a GUID as the registry writes it.
func guidText(b [16]byte) string {
	t := fmt.Sprintf("%x", b[:])
	return strings.Join([]string{t[:8], t[8:12], t[12:16], t[16:20], t[20:]}, "-")
}
