package security

import (
	"errors"
	"time"
)

// Names of the mechanisms.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
	OAuthBearer = "OAUTHBEARER"
)

// Errors of a login that are no failed authentication.
var (
	ErrMechanism = errors.New("the SASL mechanism is not enabled")
	ErrSASLState = errors.New("the SASL request is not expected now")
)

// AuthError is a failed authentication: SASL_AUTHENTICATION_FAILED with words that the client may see.
type AuthError struct{ Text string }

func (e *AuthError) Error() string { return e.Text }

func refuse(text string) error { return &AuthError{text} }

// Identity is what an authentication found out.
type Identity struct {
	Principal Principal
	Expires   time.Time // of the credential; zero: never
	Token     bool      // authenticated by a delegation token, which makes no further tokens (KIP-48)
}

// exchange is the dialogue of one mechanism, as the server.
type exchange interface {
	// step takes the client's next message. It answers what to send back, and an identity when the client has proved one.
	// After an error or an identity it is not called again.
	step(now time.Time, message []byte) (answer []byte, who *Identity, err error)
}

// Mechanism is one way to authenticate on a listener.
type Mechanism struct {
	Name      string
	MaxReauth time.Duration // connections.max.reauth.ms; 0: a session never ends
	begin     func() exchange
}

// SASL is what a listener offers. It never changes.
type SASL struct{ mechanisms []Mechanism }

// NewSASL makes the offer of a listener, in the order in which clients are told.
func NewSASL(mechanisms ...Mechanism) *SASL { return &SASL{mechanisms} }

// Names lists the mechanisms.
func (s *SASL) Names() []string {
	out := make([]string, len(s.mechanisms))
	for i, m := range s.mechanisms {
		out[i] = m.Name
	}
	return out
}

func (s *SASL) find(name string) *Mechanism {
	for i := range s.mechanisms {
		if s.mechanisms[i].Name == name {
			return &s.mechanisms[i]
		}
	}
	return nil
}
