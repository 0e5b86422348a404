package security

import (
	"sync/atomic"
	"time"
)

// Gate is what the APIs ask: how each listener lets clients in, and what they may do then. A nil Authorizer allows
// everything.
type Gate struct {
	Listeners   map[string]*Listener // by name; plain ones may be absent
	Authorizer  *Authorizer
	Quotas      *Quotas
	Tokens      *Tokens // nil: delegation tokens are off
	Audit       *Audit
	FailedDelay time.Duration // connection.failed.authentication.delay.ms

	TokenMaxLifetime time.Duration // delegation.token.max.lifetime.ms
	TokenExpiry      time.Duration // delegation.token.expiry.time.ms
}

// Listener is how one listener lets clients in.
type Listener struct {
	TLS  *TLS // nil: it speaks no TLS
	sasl atomic.Pointer[SASL]
}

// NewListener makes one; a nil offer is a listener without SASL.
func NewListener(t *TLS, offer *SASL) *Listener {
	l := &Listener{TLS: t}
	l.sasl.Store(offer)
	return l
}

// SASL is what the listener offers now.
func (l *Listener) SASL() *SASL { return l.sasl.Load() }

// SetSASL replaces the offer; dialogues that have begun go on with the old one.
func (l *Listener) SetSASL(offer *SASL) { l.sasl.Store(offer) }
