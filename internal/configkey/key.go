package configkey

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Type is the type of a value, named as Kafka names it.
type Type uint8

const (
	String Type = iota
	Bool
	Int
	Short
	Long
	Double
	List // comma separated
	Password
	Class
)

var typeNames = [...]string{"STRING", "BOOLEAN", "INT", "SHORT", "LONG", "DOUBLE", "LIST", "PASSWORD", "CLASS"}

func (t Type) String() string { return typeNames[t] }

// Change says when a new value takes effect.
type Change uint8

const (
	Restart Change = iota // read once at start
	Broker                // dynamic, per broker
	Cluster               // dynamic, cluster wide or per broker
	Topic                 // dynamic, per topic
	Group                 // dynamic, per group
	Metrics               // dynamic, per client-metrics subscription
)

func (c Change) String() string {
	return [...]string{"restart", "broker", "cluster", "topic", "group", "client-metrics"}[c]
}

// Status says what the loader does with a key.
type Status uint8

const (
	Supported Status = iota
	Ignored          // accepted, has no effect; Reason says why, logged once
	Refused          // an error with Reason, unless the value is the default
)

// Key describes one configuration key. Rows are written as literals and never change.
type Key struct {
	Name    string
	Type    Type
	Default string // text of the default; Null keys have none
	Null    bool   // unset unless somebody sets it
	Min     string // smallest value of a number, "" for the type's own
	Max     string
	OneOf   []string // the values of an enumeration, or the elements of a List
	Doc     string   // one or two sentences: meaning, unit, edge
	Change  Change
	Synonym string // the broker key that a topic or group key falls back to
	Status  Status
	Reason  string // of Ignored and Refused, with the suggestion
	Kafka   string // Apache Kafka's default, where ours differs
	Ours    bool   // no key of Apache Kafka
}

// Sensitive says that a value must never be shown.
func (k Key) Sensitive() bool { return k.Type == Password }

// Check says what is wrong with a value, in the words of a configuration error, or nil.
func (k Key) Check(value string) error {
	switch k.Type {
	case Bool:
		if v := strings.ToLower(value); v != "true" && v != "false" {
			return fmt.Errorf("%s=%q: expected true or false", k.Name, value)
		}
	case Int:
		return k.checkInt(value, 32)
	case Short:
		return k.checkInt(value, 16)
	case Long:
		return k.checkInt(value, 64)
	case Double:
		return k.checkDouble(value)
	case List:
		return k.checkList(value)
	default:
		if len(k.OneOf) > 0 && !slices.Contains(k.OneOf, value) {
			return fmt.Errorf("%s=%q: must be one of %s", k.Name, value, strings.Join(k.OneOf, ", "))
		}
	}
	return nil
}

func (k Key) checkInt(value string, bits int) error {
	v, err := strconv.ParseInt(strings.TrimSpace(value), 10, bits)
	if err != nil {
		return fmt.Errorf("%s=%q: expected a whole number of %d bits", k.Name, value, bits)
	}
	if len(k.OneOf) > 0 && slices.Contains(k.OneOf, value) {
		return nil
	}
	if m, ok := bound(k.Min); ok && v < m {
		return fmt.Errorf("%s=%s: must be at least %s", k.Name, value, k.Min)
	}
	if m, ok := bound(k.Max); ok && v > m {
		return fmt.Errorf("%s=%s: must be at most %s", k.Name, value, k.Max)
	}
	return nil
}

func bound(s string) (int64, bool) {
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

func (k Key) checkDouble(value string) error {
	v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || math.IsNaN(v) {
		return fmt.Errorf("%s=%q: expected a number", k.Name, value)
	}
	if m, err := strconv.ParseFloat(k.Min, 64); err == nil && v < m {
		return fmt.Errorf("%s=%s: must be at least %s", k.Name, value, k.Min)
	}
	if m, err := strconv.ParseFloat(k.Max, 64); err == nil && v > m {
		return fmt.Errorf("%s=%s: must be at most %s", k.Name, value, k.Max)
	}
	return nil
}

func (k Key) checkList(value string) error {
	if len(k.OneOf) == 0 {
		return nil
	}
	for _, e := range SplitList(value) {
		if !slices.Contains(k.OneOf, e) {
			return fmt.Errorf("%s=%q: %q is none of %s", k.Name, value, e, strings.Join(k.OneOf, ", "))
		}
	}
	return nil
}

// SplitList cuts a List value at its commas; empty text is no element.
func SplitList(value string) []string {
	if strings.TrimSpace(value) == "" {
		return nil
	}
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

// Range is the range of values as people read it: "[0,...]", "one of a, b", or "".
func (k Key) Range() string {
	switch {
	case len(k.OneOf) > 0 && (k.Type == List || k.Type == String):
		return "one of " + strings.Join(k.OneOf, ", ")
	case k.Min != "" && k.Max != "":
		return "[" + k.Min + ",...," + k.Max + "]"
	case k.Min != "":
		return "[" + k.Min + ",...]"
	case k.Max != "":
		return "[...," + k.Max + "]"
	}
	return ""
}
