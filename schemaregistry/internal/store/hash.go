package store

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
)

// Hash identifies content: equal hashes have equal ids in a context (registry.md 10.3).
type Hash [md5.Size]byte

// GUID is the hash as a UUID.
func (h Hash) GUID() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:])
}

// HashOf hashes a schema's text with all that belongs to it.
func HashOf(text string, refs []Reference, meta *Metadata, rules *RuleSet) Hash {
	h := hasher{md5.New()}
	h.text(text)
	for _, r := range refs {
		h.text(r.Name)
		h.text(r.Subject)
		h.bytes(binary.BigEndian.AppendUint32(nil, uint32(r.Version)))
	}
	if meta != nil {
		h.metadata(meta)
	}
	if rules != nil {
		h.bytes([]byte{1})
		for _, list := range [][]Rule{rules.MigrationRules, rules.DomainRules, rules.EncodingRules} {
			for _, r := range list {
				h.rule(r)
			}
		}
	}
	return Hash(h.Sum(nil))
}

type hasher struct{ hash.Hash }

func (h hasher) text(s string)  { _, _ = io.WriteString(h.Hash, s) } // a hash takes everything
func (h hasher) bytes(b []byte) { _, _ = h.Write(b) }

func (h hasher) pairs(m map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		h.text(k)
		h.text(m[k])
	}
}

func (h hasher) sorted(list []string) {
	for _, s := range slices.Sorted(slices.Values(list)) {
		h.text(s)
	}
}

func (h hasher) metadata(m *Metadata) {
	h.bytes([]byte{1})
	for _, k := range slices.Sorted(maps.Keys(m.Tags)) {
		h.text(k)
		h.sorted(m.Tags[k])
	}
	h.pairs(m.Properties)
	h.sorted(m.Sensitive)
}

func (h hasher) rule(r Rule) {
	kind := r.Kind
	if kind == "" {
		kind = "TRANSFORM"
	}
	for _, s := range []string{r.Name, r.Doc, kind, r.mode(), r.Type} {
		h.text(s)
	}
	h.sorted(r.Tags)
	h.pairs(r.Params)
	for _, s := range []string{r.Expr, r.OnSuccess, r.OnFailure} {
		h.text(s)
	}
	if r.Disabled {
		h.bytes([]byte{1})
	}
}
