package store

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Record is a key and a value of the _schemas topic; a nil value deletes the key.
type Record struct{ Key, Value []byte }

// Key types, as they stand in keys.
const (
	keySchema        = "SCHEMA"
	keyConfig        = "CONFIG"
	keyMode          = "MODE"
	keyDeleteSubject = "DELETE_SUBJECT"
	keyClearSubject  = "CLEAR_SUBJECT"
	keyContext       = "CONTEXT"
	keyNoop          = "NOOP"
)

// Noop is what a new writer writes to learn where the log ends.
func Noop() Record { return Record{Key: []byte(`{"keytype":"NOOP","magic":0}`)} }

// Keys in Confluent's order of members, on which compaction depends.
type (
	schemaKey struct {
		Type    string `json:"keytype"`
		Subject string `json:"subject"`
		Version int    `json:"version"`
		Magic   int    `json:"magic"`
	}
	scopeKey struct { // of CONFIG and MODE: no subject means all
		Type    string  `json:"keytype"`
		Subject *string `json:"subject"`
		Magic   int     `json:"magic"`
	}
	subjectKey struct {
		Type    string `json:"keytype"`
		Subject string `json:"subject"`
		Magic   int    `json:"magic"`
	}
	contextKey struct {
		Type    string `json:"keytype"`
		Tenant  string `json:"tenant"`
		Context string `json:"context"`
		Magic   int    `json:"magic"`
	}
)

// anyKey reads all of them; Karapace's order and Redpanda's seq and node make no difference.
type anyKey struct {
	Type    string  `json:"keytype"`
	Subject *string `json:"subject"`
	Version int     `json:"version"`
	Magic   int     `json:"magic"`
}

// Reference is a schema that another one uses.
type Reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// schemaValue is the value of a SCHEMA key.
type schemaValue struct {
	Subject    string      `json:"subject"`
	Version    int         `json:"version"`
	ID         int         `json:"id"`
	MD5        []byte      `json:"md5,omitempty"` // base64
	SchemaType string      `json:"schemaType,omitempty"`
	References []Reference `json:"references,omitempty"`
	Metadata   *Metadata   `json:"metadata,omitempty"`
	RuleSet    *RuleSet    `json:"ruleSet,omitempty"`
	Schema     string      `json:"schema"`
	Deleted    bool        `json:"deleted"`
}

type modeValue struct {
	Mode string `json:"mode"`
}

type subjectValue struct {
	Subject string `json:"subject"`
	Version int    `json:"version,omitempty"`
}

// member is a name and its raw JSON.
type member struct {
	name string
	raw  json.RawMessage
}

// marshal is encoding/json without escapes for HTML: texts are compared byte by byte.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("store: marshal %T: %v", v, err)) // plain structs
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// members lists an object's members in their order.
func members(raw []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("no JSON object: %w", err)
	}
	var out []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)} // a member's name is a string
		if err := d.Decode(&m.raw); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	_, err := d.Token()
	return out, err
}

// unknown are the members of raw that v, encoded, does not have and known does not name.
func unknown(raw []byte, known map[string]bool) ([]member, error) {
	all, err := members(raw)
	if err != nil {
		return nil, err
	}
	var out []member
	for _, m := range all {
		if !known[m.name] {
			out = append(out, m)
		}
	}
	return out, nil
}

// withMembers adds members to an encoded object.
func withMembers(object []byte, more []member) []byte {
	out := bytes.TrimSuffix(object, []byte("}"))
	for _, m := range more {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, marshal(m.name)...), ':'), m.raw...)
	}
	return append(out, '}')
}

var schemaMembers = map[string]bool{
	"subject": true, "version": true, "id": true, "md5": true, "schemaType": true, "references": true, "metadata": true, "ruleSet": true,
	"schema": true, "deleted": true, "offset": true, "ts": true,
}

// record is how a version stands in the topic.
func (s *Schema) record() Record {
	v := schemaValue{s.Subject, s.Version, s.ID, s.hash[:], s.Type, s.References, s.Metadata, s.RuleSet, s.Text, s.Deleted}
	if v.SchemaType == Avro {
		v.SchemaType = ""
	}
	return Record{marshal(schemaKey{keySchema, s.Subject, s.Version, 1}), withMembers(marshal(v), s.unknown)}
}

// tombstone deletes a version's record.
func (s *Schema) tombstone() Record {
	return Record{Key: marshal(schemaKey{keySchema, s.Subject, s.Version, 1})}
}
