package serde

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/frame"
)

// Errors that programs act on; use errors.Is.
var (
	// ErrWrongMagic says that bytes do not name a schema.
	ErrWrongMagic = frame.ErrNone
	// ErrUnknownID says that the registry has no such schema.
	ErrUnknownID = errors.New("the registry does not know the schema")
	// ErrNotRegistered says that the schema of the type is not one of the subject's.
	ErrNotRegistered = errors.New("the schema is not registered under the subject: register it, or use serde.AutoRegister or serde.UseLatest")
	// ErrNull says that a key or a value is null: a tombstone.
	ErrNull = errors.New("it is null")
	// ErrOtherType says that data are of another format or message than the reader's.
	ErrOtherType = errors.New("the data are of another type")
)

// IncompatibleError says that a schema does not fit: to the versions of its subject, or the writer's to the reader's type.
type IncompatibleError struct {
	Subject  string // "" when it is the reader's type
	Messages []string
}

func (e *IncompatibleError) Error() string {
	to := "the reader's type"
	if e.Subject != "" {
		to = "the versions of " + e.Subject
	}
	return fmt.Sprintf("the schema does not fit to %s: %s", to, strings.Join(e.Messages, "; "))
}

// DecodeError says which record could not be decoded, and why.
type DecodeError struct {
	Topic     string
	Partition int32
	Offset    int64
	Key       bool // its key, not its value
	Err       error
}

func (e *DecodeError) Error() string {
	field := "value"
	if e.Key {
		field = "key"
	}
	return fmt.Sprintf("decode the %s at %s-%d offset %d: %v", field, e.Topic, e.Partition, e.Offset, e.Err)
}

// Unwrap is for errors.Is and errors.As.
func (e *DecodeError) Unwrap() error { return e.Err }

// missing tells whether a registry answers that something is not there, which is true for a while only.
func missing(err error) bool {
	var r *sr.ResponseError
	return errors.As(err, &r) && r.StatusCode == http.StatusNotFound && r.ErrorCode/100 == http.StatusNotFound
}

// incompatible turns a registry's refusal into an IncompatibleError.
func incompatible(subject string, err error) error {
	var r *sr.ResponseError
	if errors.As(err, &r) && r.StatusCode == http.StatusConflict {
		return &IncompatibleError{subject, []string{r.Message}}
	}
	return err
}
