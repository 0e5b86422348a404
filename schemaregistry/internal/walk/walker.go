package walk

import "fmt"

// Walker tells whether bytes are data of one schema.
type Walker interface {
	// Check answers nil when data is one datum and nothing behind it, else a *Fault. It keeps no reference to data.
	Check(data []byte) error
}

// maxDepth bounds how deep data may nest (registry.md 17.4).
const maxDepth = 64

// maxEmpty bounds the elements of a collection that take no bytes: nothing else does.
const maxEmpty = 1 << 16

// Reason is what is wrong with data.
type Reason uint8

// Reasons.
const (
	Truncated Reason = iota + 1
	Trailing
	TooDeep
	BadVarint
	BadBoolean
	BadUTF8
	BadLength
	BadIndex
	BadBlock
	BadTag
	WrongWireType
	MissingRequired
	NotJSON
	NotValid
)

var reasons = [...]string{
	Truncated: "the data end early", Trailing: "bytes behind the datum", TooDeep: fmt.Sprintf("nested deeper than %d", maxDepth),
	BadVarint: "a number of too many bytes", BadBoolean: "a boolean is neither 0 nor 1", BadUTF8: "a string is not UTF-8",
	BadLength: "a length that cannot be", BadIndex: "no such symbol or branch", BadBlock: "a block that does not hold what it claims",
	BadTag: "a tag that cannot be", WrongWireType: "the wire type is not the field's", MissingRequired: "a required field is missing",
	NotJSON: "no JSON", NotValid: "not valid",
}

func (r Reason) String() string { return reasons[r] }

// Fault says why data are refused.
type Fault struct {
	Reason Reason
	Path   string // of the field, "" for the whole datum
	At     int    // byte of the data, -1 when it is not known
	Detail string // what the schema says, of NotJSON and NotValid
}

func (f *Fault) Error() string {
	text := f.Reason.String()
	if f.Detail != "" {
		text += ": " + f.Detail
	}
	if f.Path != "" {
		text = "field " + f.Path + ": " + text
	}
	if f.At >= 0 {
		text += fmt.Sprintf(" (byte %d)", f.At)
	}
	return text
}
