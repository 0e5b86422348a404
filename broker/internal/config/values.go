package config

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mainstem-io/mainstem/internal/configkey"
)

// Int is a whole number; an unset key without a default is 0.
func (s *Static) Int(name string) int64 { return parseInt(s.String(name)) }

// Bool is true or false.
func (s *Static) Bool(name string) bool { return strings.EqualFold(s.String(name), "true") }

// Strings are the elements of a list.
func (s *Static) Strings(name string) []string { return configkey.SplitList(s.String(name)) }

// Milliseconds is a key ending in .ms as a duration.
func (s *Static) Milliseconds(name string) time.Duration { return milliseconds(s.Int(name)) }

func parseInt(text string) int64 {
	v, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0
	}
	return v
}

// milliseconds caps at the longest duration there is, some 292 years: Kafka's "max" is longer.
func milliseconds(ms int64) time.Duration {
	if ms > math.MaxInt64/int64(time.Millisecond) {
		return math.MaxInt64
	}
	if ms < 0 {
		return -1
	}
	return time.Duration(ms) * time.Millisecond
}
