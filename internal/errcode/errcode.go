package errcode

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Exit codes of commands (docs/reference/cli.md).
const (
	ExitFailed      = 1
	ExitUsage       = 2
	ExitProblems    = 3 // checked and found problems
	ExitNotFound    = 4
	ExitNotAllowed  = 5
	ExitUnreachable = 6
	ExitConflict    = 7
	ExitInterrupted = 130
)

// Code describes one kind of failure.
type Code struct {
	ID      string // "NET-001"
	Summary string // one line, lower case
	Causes  []string
	Next    []string // commands or changes to try, most likely first; at least one
	Exit    int
}

// Error is a failure with its code, what was tried, and the error behind it.
type Error struct {
	Code  Code
	What  string   // this occurrence in one line; the code's summary when empty
	Tried string   // what was tried, or ""
	Next  []string // in place of the code's, when this occurrence knows better
	Err   error
}

func (e *Error) Error() string {
	what := cmp.Or(e.What, e.Code.Summary)
	if e.Err != nil {
		what += ": " + e.Err.Error()
	}
	return what
}

func (e *Error) Unwrap() error { return e.Err }

// Steps are the next steps of this occurrence.
func (e *Error) Steps() []string {
	if len(e.Next) > 0 {
		return e.Next
	}
	return e.Code.Next
}

// New makes an Error with a text of its own.
func New(c Code, format string, args ...any) *Error {
	return &Error{Code: c, What: fmt.Sprintf(format, args...)}
}

// Wrap puts a code on an error.
func Wrap(c Code, err error) *Error { return &Error{Code: c, Err: err} }

// Of is the code on an error, and whether there is one.
func Of(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// Lookup finds a code by its ID.
func Lookup(id string) (Code, bool) {
	i := slices.IndexFunc(all, func(c Code) bool { return c.ID == id })
	if i < 0 {
		return Code{}, false
	}
	return all[i], true
}

// All lists every code in the order of the families.
func All() []Code { return all }
