package security

import (
	"fmt"
	"time"
)

// loginState is where a login stands:
//
//	fresh  -> asking   Handshake with a mechanism that is offered
//	asking -> asking   Authenticate, and the mechanism wants to hear more
//	asking -> in       Authenticate, and the client has proved who it is
//	in     -> asking   Handshake while the session has an end: re-authentication (KIP-368)
//	any    -> failed   everything else; the connection is to be closed
type loginState uint8

const (
	fresh loginState = iota
	asking
	in
	failed
)

// minReauth is how soon after another a re-authentication may begin; Kafka's KafkaChannel has the same second.
const minReauth = time.Second

// Login is the SASL dialogue of one connection. It is pure, and one goroutine owns it.
type Login struct {
	state     loginState
	mechanism *Mechanism
	exchange  exchange
	began     time.Time // of the last re-authentication
	mismatch  string    // the mechanism that a re-authentication asked for and may not have

	who     *Identity // of the last success
	expires time.Time // of the session; zero: never
}

// Identity is who the client proved to be, nil before that.
func (l *Login) Identity() *Identity { return l.who }

// Expired tells whether the session has ended: only a re-authentication may follow.
func (l *Login) Expired(now time.Time) bool {
	return l.who != nil && !l.expires.IsZero() && now.After(l.expires)
}

// Failed tells whether the connection is to be closed.
func (l *Login) Failed() bool { return l.state == failed }

// Handshake begins an authentication. ErrMechanism ends the connection; ErrSASLState ends it unless the client is
// already in, who is told and may go on.
func (l *Login) Handshake(now time.Time, offer *SASL, mechanism string) error {
	switch l.state {
	case fresh:
	case in:
		if l.expires.IsZero() || !l.began.IsZero() && now.Sub(l.began) < minReauth {
			return ErrSASLState
		}
		l.began = now
		if mechanism != l.mechanism.Name {
			l.mismatch = mechanism // told with the first token, as Kafka does
			l.state = asking
			return nil
		}
	default:
		l.state = failed
		return ErrSASLState
	}
	m := offer.find(mechanism)
	if m == nil {
		l.state = failed
		return ErrMechanism
	}
	l.state, l.mechanism, l.exchange = asking, m, m.begin()
	return nil
}

// Authenticate takes the next token. done says that the client is in, for lifetime (0: without an end).
func (l *Login) Authenticate(now time.Time, token []byte) (answer []byte, lifetime time.Duration, done bool, err error) {
	if l.state == in {
		return nil, 0, false, ErrSASLState
	}
	if l.state != asking {
		l.state = failed
		return nil, 0, false, ErrSASLState
	}
	answer, who, err := l.step(now, token)
	switch {
	case err != nil:
		l.state, l.exchange = failed, nil
		return nil, 0, false, err
	case who == nil:
		return answer, 0, false, nil
	}
	l.state, l.exchange, l.who = in, nil, who
	lifetime = l.lifetime(now)
	return answer, lifetime, true, nil
}

func (l *Login) step(now time.Time, token []byte) ([]byte, *Identity, error) {
	if l.mismatch != "" {
		return nil, nil, refuse(fmt.Sprintf("SaslMechanism '%s' requested by client is not supported for reauthentication of mechanism '%s'",
			l.mismatch, l.mechanism.Name))
	}
	answer, who, err := l.exchange.step(now, token)
	if err != nil || who == nil {
		return answer, nil, err
	}
	if l.who != nil && l.who.Principal != who.Principal {
		return nil, nil, refuse(fmt.Sprintf("Cannot change principals during re-authentication from %v: %v", l.who.Principal, who.Principal))
	}
	if !who.Expires.IsZero() && !who.Expires.After(now) {
		return nil, nil, refuse("Authentication failed: the credential has expired")
	}
	return answer, who, nil
}

// lifetime sets the end of the session: the credential's, or the listener's if that is nearer. A session never ends at
// once: an end below a millisecond away is rounded up, because clients read 0 as "no end".
func (l *Login) lifetime(now time.Time) time.Duration {
	left := l.mechanism.MaxReauth
	if end := l.who.Expires; !end.IsZero() {
		if own := end.Sub(now); left <= 0 || own < left {
			left = own
		}
	}
	if left <= 0 {
		l.expires = time.Time{}
		return 0
	}
	left = max(left, time.Millisecond)
	l.expires = now.Add(left)
	return left
}
