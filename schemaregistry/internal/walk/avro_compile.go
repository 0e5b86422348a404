package walk

import (
	"github.com/mainstem-io/mainstem/schemaregistry/internal/avrox"
)

// opKind is what one instruction of a program reads.
type opKind uint8

const (
	opEnd opKind = iota // of a body
	opBoolean
	opInt
	opLong
	opString
	opBytes
	opFixed // n bytes
	opEnum  // an index below n
	opUnion // an index below n, then the body at table[to+index]
	opArray // blocks of the body at to
	opMap   // the same, with a string before each
	opCall  // the body at to: a record that was compiled elsewhere
)

// op is one instruction. What takes no bytes (null, a record of nulls) has none, so that every instruction that runs reads at
// least a byte, and the bytes bound the work.
type op struct {
	kind  opKind
	n     int32
	to    int32
	least int32 // fewest bytes of an element, 0 when elements take none
}

// avroCompiler writes bodies: what a schema is, then what it needs bodies of, until nothing is wanted.
type avroCompiler struct {
	w      *avroWalker
	uses   map[*avrox.Schema]int   // of records
	bodies map[*avrox.Schema]int32 // where those begin that are used in several places
	wanted []body
	calls  []reference
	least  map[*avrox.Schema]int32
	empty  map[*avrox.Schema]bool
}

// body is one that is to be written, and who refers to it.
type body struct {
	of   *avrox.Schema
	path string
	from reference
}

// reference is an instruction's to, or an entry of the table, that says where a body begins.
type reference struct {
	of      *avrox.Schema
	inTable bool
	at      int
}

// Avro compiles a schema, which avrox.Parse has admitted.
func Avro(s *avrox.Schema) Walker {
	c := &avroCompiler{
		w: &avroWalker{}, uses: map[*avrox.Schema]int{}, bodies: map[*avrox.Schema]int32{},
		least: map[*avrox.Schema]int32{}, empty: map[*avrox.Schema]bool{},
	}
	c.count(s)
	c.value(s, "")
	c.emit(op{kind: opEnd}, "")
	for len(c.wanted) > 0 {
		next := c.wanted[0]
		c.wanted = c.wanted[1:]
		c.write(next)
	}
	for _, r := range c.calls {
		c.set(r, c.bodies[r.of])
	}
	return c.w
}

// count finds the records that are used in several places, those within themselves among them. They get one body each; written
// where it is used, a record that has one twice that has one twice, and so on, would make a program explode.
func (c *avroCompiler) count(s *avrox.Schema) {
	switch s.Type {
	case avrox.Record:
		if c.uses[s]++; c.uses[s] > 1 {
			return
		}
		for _, f := range s.Fields {
			c.count(f.Type)
		}
	case avrox.Array, avrox.Map:
		c.count(s.Items)
	case avrox.Union:
		for _, b := range s.Branches {
			c.count(b)
		}
	}
}

func (c *avroCompiler) shared(s *avrox.Schema) bool { return s.Type == avrox.Record && c.uses[s] > 1 }

func (c *avroCompiler) emit(o op, path string) int {
	c.w.ops = append(c.w.ops, o)
	c.w.paths = append(c.w.paths, path)
	return len(c.w.ops) - 1
}

// want asks for a body.
func (c *avroCompiler) want(s *avrox.Schema, path string, from reference) {
	from.of = s
	if c.shared(s) {
		c.calls = append(c.calls, from)
		if _, known := c.bodies[s]; known {
			return
		}
		c.bodies[s], path = -1, s.Name.Local
	}
	c.wanted = append(c.wanted, body{s, path, from})
}

func (c *avroCompiler) write(b body) {
	at := int32(len(c.w.ops))
	if c.shared(b.of) {
		c.bodies[b.of] = at
		c.fields(b.of, b.path)
	} else {
		c.set(b.from, at)
		c.value(b.of, b.path)
	}
	c.emit(op{kind: opEnd}, b.path)
}

func (c *avroCompiler) set(r reference, at int32) {
	if r.inTable {
		c.w.table[r.at] = at
		return
	}
	c.w.ops[r.at].to = at
}

func (c *avroCompiler) fields(s *avrox.Schema, path string) {
	for _, f := range s.Fields {
		at := f.Name
		if path != "" {
			at = path + "." + f.Name
		}
		c.value(f.Type, at)
	}
}

// value writes the instructions of a schema.
func (c *avroCompiler) value(s *avrox.Schema, path string) {
	if c.takesNothing(s) {
		return
	}
	switch s.Type {
	case avrox.Boolean:
		c.emit(op{kind: opBoolean}, path)
	case avrox.Int:
		c.emit(op{kind: opInt}, path)
	case avrox.Long:
		c.emit(op{kind: opLong}, path)
	case avrox.Float:
		c.emit(op{kind: opFixed, n: 4}, path)
	case avrox.Double:
		c.emit(op{kind: opFixed, n: 8}, path)
	case avrox.Fixed:
		c.emit(op{kind: opFixed, n: int32(s.Size)}, path)
	case avrox.String:
		c.emit(op{kind: opString}, path)
	case avrox.Bytes:
		c.emit(op{kind: opBytes}, path)
	case avrox.Enum:
		c.emit(op{kind: opEnum, n: int32(len(s.Symbols))}, path)
	case avrox.Array:
		c.collection(op{kind: opArray}, s.Items, path)
	case avrox.Map:
		c.collection(op{kind: opMap, least: 1}, s.Items, path)
	case avrox.Union:
		c.union(s, path)
	case avrox.Record:
		if c.shared(s) {
			c.want(s, path, reference{at: c.emit(op{kind: opCall}, path)})
			return
		}
		c.fields(s, path)
	case avrox.Null: // takes nothing
	}
}

func (c *avroCompiler) collection(o op, items *avrox.Schema, path string) {
	path += "[]"
	o.to = nothing
	if c.takesNothing(items) {
		c.emit(o, path)
		return
	}
	o.least += max(1, c.leastBytes(items))
	c.want(items, path, reference{at: c.emit(o, path)})
}

func (c *avroCompiler) union(s *avrox.Schema, path string) {
	table := len(c.w.table)
	c.emit(op{kind: opUnion, n: int32(len(s.Branches)), to: int32(table)}, path)
	for range s.Branches {
		c.w.table = append(c.w.table, nothing)
	}
	for i, b := range s.Branches {
		if !c.takesNothing(b) {
			c.want(b, path, reference{inTable: true, at: table + i})
		}
	}
}

// nothing stands for a body without instructions.
const nothing = -1

// takesNothing tells whether every datum of s has no bytes.
func (c *avroCompiler) takesNothing(s *avrox.Schema) bool {
	switch s.Type {
	case avrox.Null:
		return true
	case avrox.Fixed:
		return s.Size == 0
	case avrox.Record:
		if known, ok := c.empty[s]; ok {
			return known
		}
		c.empty[s] = false // a record within itself has no data at all: its depth refuses them
		all := true
		for _, f := range s.Fields {
			all = all && c.takesNothing(f.Type)
		}
		c.empty[s] = all
		return all
	}
	return false
}

// leastBytes is how few bytes a datum takes.
func (c *avroCompiler) leastBytes(s *avrox.Schema) int32 {
	const enough = 1 << 20
	switch s.Type {
	case avrox.Null:
		return 0
	case avrox.Float:
		return 4
	case avrox.Double:
		return 8
	case avrox.Fixed:
		return int32(min(s.Size, enough))
	case avrox.Record:
		if known, ok := c.least[s]; ok {
			return known
		}
		c.least[s] = 0
		sum := int32(0)
		for _, f := range s.Fields {
			sum = min(enough, sum+c.leastBytes(f.Type))
		}
		c.least[s] = sum
		return sum
	}
	return 1
}
