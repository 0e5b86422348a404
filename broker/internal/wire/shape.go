package wire

//go:generate go run ./internal/gen -jars=$KAFKA_JARS

// The shape language. A message at one version is a program: a run of steps that say what the next bytes are.
//
//	opFixed n               n bytes
//	opString                int16 length, bytes           opStringCompact   uvarint length+1, bytes
//	opBytes                 int32 length, bytes           opBytesCompact    uvarint length+1, bytes
//	opArray n               int32 count, elements         opArrayCompact n  uvarint count+1, elements of program n
//	opMaybe n               int8 -1, or int8 from 0 on and a struct of program n
//	opMaybeTagged n         uvarint 0, or uvarint 1 and a struct of program n
//	opTags n                uvarint count, then (uvarint tag, uvarint size, content); known tags in section n
//
// A struct that cannot be null has no bytes of its own, so its steps stand among those of its parent.

type opcode uint8

const (
	opFixed opcode = iota
	opString
	opStringCompact
	opBytes
	opBytesCompact
	opArray
	opArrayCompact
	opMaybe
	opMaybeTagged
	opTags
)

type step struct {
	code opcode
	null bool
	n    uint16 // opString*: bytes that a value takes on the heap beside its characters
}

// program is a run of steps in shapeSteps.
type program struct {
	first, end uint16 // half open
	smallest   uint16 // bytes of the smallest encoding: what bounds an array count (WIRE-2)
	memory     uint16 // bytes of the decoded struct or element, without what it points to
}

// taggedField is a tag that a section knows.
type taggedField struct{ tag, program uint16 }

// shape has the programs of a message for the versions from min to max.
type shape struct {
	name     string
	min, max int16
	flexible int16 // first flexible version; neverFlexible when there is none
	programs []uint16
}

const neverFlexible = 1<<15 - 1

// program returns the program of a version, nil when the definitions have no such version.
func (s *shape) program(version int16) *program {
	if s.programs == nil || version < s.min || version > s.max {
		return nil
	}
	return &shapePrograms[s.programs[version-s.min]]
}

// RecordKind names a record schema that is stored by a coordinator or by the controller, or a blob inside one.
type RecordKind uint16
