package wire

import (
	"fmt"
	"strconv"
)

// UnsupportedError says that a request has a key or version that is not served. Kafka closes the connection.
type UnsupportedError struct{ Key, Version int16 }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("API key %d version %d is not served", e.Key, e.Version)
}

// MalformedError says what part of a frame breaks its shape, and where. Kafka closes the connection.
type MalformedError struct {
	What   string // "Metadata version 9", "header of Fetch version 12", "OffsetCommitValue version 4"
	Offset int    // byte of the part that was being read
	Reason string
}

func (e *MalformedError) Error() string {
	return e.What + " is malformed at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

func describe(name string, version int16) string {
	return name + " version " + strconv.Itoa(int(version))
}

// fault is why a walk stopped. It is a number so that a refused body costs one allocation, the final error.
type fault uint8

const (
	faultNone fault = iota
	faultShort
	faultNull
	faultLength
	faultCount
	faultVarint
	faultPresence
	faultTagCount
	faultTagSize
	faultMemory
)

var faultReasons = [...]string{
	faultNone:     "",
	faultShort:    "it ends too early",
	faultNull:     "null where a value is required",
	faultLength:   "a length exceeds the bytes left",
	faultCount:    "an array count exceeds the bytes left",
	faultVarint:   "a varint does not end within 32 bits",
	faultPresence: "a nullable struct is neither absent nor present",
	faultTagCount: "a section has too many tags",
	faultTagSize:  "a tag's size and its content differ",
	faultMemory:   "it would decode to far more memory than it has bytes",
}

func (f fault) String() string { return faultReasons[f] }
