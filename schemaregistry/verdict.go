package schemaregistry

import (
	"fmt"
	"slices"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/avrox"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/frame"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/rule"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/store"
	"github.com/mainstem-io/mainstem/schemaregistry/internal/walk"
)

// verdict is what is known about one schema for the keys or the values of a topic.
type verdict struct {
	err      error // of every datum
	missing  bool  // err may be over soon
	until    time.Time
	id       int
	walker   walk.Walker         // nil: the level asks for no more than the id
	messages map[string]*message // of Protobuf, by their indexes as they are written
}

// message is a type of a Protobuf file.
type message struct {
	err    error
	walker func() walk.Walker // compiled when the first datum of it comes, once; nil as above
}

func (d *verdict) stale() bool { return d.missing && time.Now().After(d.until) }

// judge holds a datum against the schema.
func (d *verdict) judge(fr frame.Frame) error {
	if d.err != nil {
		return d.err
	}
	if d.messages == nil {
		if d.walker == nil {
			return nil
		}
		return d.say(d.walker.Check(fr.Plain()))
	}
	indexes, payload, err := fr.Indexed()
	if err != nil {
		return d.say(err)
	}
	m := d.messages[string(indexes)]
	switch {
	case m == nil:
		return d.say(fmt.Errorf("there is no message with the indexes %v", frame.Indexes(indexes)))
	case m.err != nil:
		return m.err
	case m.walker == nil:
		return nil
	}
	return d.say(m.walker().Check(payload))
}

func (d *verdict) say(err error) error {
	if err == nil {
		return nil
	}
	return &refusal{id: d.id, reason: fmt.Sprintf("schema %d: %v", d.id, err)}
}

// compile makes the verdict on a schema that is there. has tells whether a subject has it.
func (f *field) compile(schema *store.Schema, used []store.Used, has func(subject string) bool) *verdict {
	d := &verdict{id: schema.ID}
	if f.level == "id" && f.strategy == "topic" && schema.Type != store.Protobuf {
		return d // its text says nothing that is asked for
	}
	m := f.v.models.get(schema, used)
	if m.err != nil {
		d.err = &refusal{id: schema.ID, reason: fmt.Sprintf("schema %d cannot be read: %v", schema.ID, m.err)}
		return d
	}
	switch is := m.is.(type) {
	case *avrox.Schema:
		d.err = f.allowed(schema.ID, is.FullName(), has)
		d.walker = m.walker(f.level, "", func() walk.Walker { return walk.Avro(is) }, func(r []rule.Rule) (rule.Checker, error) { return rule.Avro(is, r) })
	case *jsonschema.Schema:
		d.err = f.allowed(schema.ID, is.Title, has)
		d.walker = m.walker(f.level, "", func() walk.Walker { return walk.JSON(is) }, rule.JSON)
	case protoreflect.FileDescriptor:
		d.messages = map[string]*message{}
		f.compileMessages(d, m, is.Messages(), nil, has)
	}
	d.missing = d.err != nil
	return d
}

func (f *field) compileMessages(d *verdict, m *model, all protoreflect.MessageDescriptors, path []int, has func(string) bool) {
	for i := range all.Len() {
		at, descriptor := append(slices.Clone(path), i), all.Get(i)
		name := string(descriptor.FullName())
		out := &message{err: f.allowed(d.id, name, has)}
		if f.level != "id" {
			out.walker = func() walk.Walker {
				return m.walker(f.level, name, func() walk.Walker { return walk.Proto(descriptor) }, func(r []rule.Rule) (rule.Checker, error) { return rule.Proto(descriptor, r) })
			}
		}
		d.messages[string(frame.AppendIndexes(nil, at))] = out
		if len(at) == 1 && i == 0 {
			d.messages["\x02\x00"] = out // [0] in full
		}
		f.compileMessages(d, m, descriptor.Messages(), at, has)
	}
}

// allowed tells why data of a type may not be where they are: its subject does not have the schema.
func (f *field) allowed(id int, name string, has func(subject string) bool) error {
	subject := name
	switch f.strategy {
	case "topic":
		return nil // was asked before
	case "topic-record":
		subject = f.topic + "-" + name
	}
	if name == "" {
		return &refusal{id: id, reason: fmt.Sprintf("schema %d has no name, which the subject would be made of", id)}
	}
	if !has(subject) {
		return f.foreign(id, subject)
	}
	return nil
}
