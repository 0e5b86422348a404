package serde

import (
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// Place is where values go: the keys or the values of a topic.
type Place struct {
	Topic string
	IsKey bool
}

// Key is the keys of a topic.
func Key(topic string) Place { return Place{topic, true} }

// Value is the values of a topic.
func Value(topic string) Place { return Place{topic, false} }

func (p Place) suffix() string {
	if p.IsKey {
		return "-key"
	}
	return "-value"
}

// Strategy names the subject of what goes to a place; record is the full name of its type.
type Strategy func(p Place, record string) string

// TopicName is topic-key or topic-value, the default.
func TopicName(p Place, _ string) string { return p.Topic + p.suffix() }

// RecordName is the name of the type.
func RecordName(_ Place, record string) string { return record }

// TopicRecordName is the topic and the name of the type.
func TopicRecordName(p Place, record string) string { return p.Topic + "-" + record }

// Wire is how bytes name their schema. Reading understands every form.
type Wire uint8

const (
	Prefix     Wire = iota // 00 and the id, in front
	PrefixGUID             // 01 and the GUID, in front
	HeaderGUID             // a record header with the GUID, nothing in front
)

// Option changes how a serde works.
type Option func(*config)

type config struct {
	subject      Strategy
	wire         Wire
	schema       string
	refs         []sr.SchemaReference
	autoRegister bool
	normalize    bool
	useLatest    bool
	latestWith   map[string]string
	ttl          time.Duration
	useID        int
}

// latestFor is how long a latest version is believed, unless UseLatest says otherwise.
const latestFor = time.Minute

func newConfig(opts []Option) config {
	c := config{subject: TopicName, ttl: latestFor}
	for _, o := range opts {
		o(&c)
	}
	return c
}

// Text is the schema to write under, instead of one made from the type's fields and tags.
func Text(schema string, refs ...sr.SchemaReference) Option {
	return func(c *config) { c.schema, c.refs = schema, refs }
}

// Subject chooses the subject's name; default TopicName.
func Subject(s Strategy) Option { return func(c *config) { c.subject = s } }

// AutoRegister registers the schema of the type when the first value is written; default off.
func AutoRegister(on bool) Option { return func(c *config) { c.autoRegister = on } }

// Normalize asks the registry to compare schemas by their meaning.
func Normalize(on bool) Option { return func(c *config) { c.normalize = on } }

// UseLatest writes under the latest version of the subject, whatever it is, and asks again when what is known is older than
// that; 0 is a minute.
func UseLatest(maxAge time.Duration) Option {
	return func(c *config) {
		c.useLatest = true
		if maxAge > 0 {
			c.ttl = maxAge
		}
	}
}

// UseLatestWith is UseLatest of the versions whose metadata have all of the properties.
func UseLatestWith(properties map[string]string) Option {
	return func(c *config) { c.useLatest, c.latestWith = true, properties }
}

// UseID writes under the schema with an id.
func UseID(id int) Option { return func(c *config) { c.useID = id } }

// As chooses how bytes name their schema; default Prefix.
func As(w Wire) Option { return func(c *config) { c.wire = w } }
