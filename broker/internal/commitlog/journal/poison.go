package journal

import (
	"errors"
	"sync/atomic"
)

// ErrClosed is what a closed journal answers.
var ErrClosed = errors.New("journal is closed")

// Poison keeps the first error of an engine. An fsync that failed may have dropped the pages it
// could not write, so a second one that succeeds proves nothing: there is no way back but to replay.
type Poison struct{ first atomic.Pointer[error] }

// Err answers the first error, or nil.
func (p *Poison) Err() error {
	if err := p.first.Load(); err != nil {
		return *err
	}
	return nil
}

// Fail poisons with err, unless something did before, and answers the first error.
func (p *Poison) Fail(err error) error {
	p.first.CompareAndSwap(nil, &err)
	return p.Err()
}
