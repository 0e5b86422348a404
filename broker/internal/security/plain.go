package security

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"time"
)

// NewPlain is PLAIN (RFC 4616) with the users of a JAAS line.
func NewPlain(users map[string]string, maxReauth time.Duration) Mechanism {
	digests := make(map[string][sha256.Size]byte, len(users))
	for user, password := range users {
		digests[user] = sha256.Sum256([]byte(password))
	}
	return Mechanism{Name: Plain, MaxReauth: maxReauth, begin: func() exchange { return plainExchange(digests) }}
}

// plainExchange is the digests of passwords by user: digests are of one length, so that comparing them tells nothing
// about the length of a password either.
type plainExchange map[string][sha256.Size]byte

// step takes the only message: authorization id, user and password with a zero byte between them. The authorization id is
// empty or the user's own: anything else would be impersonation (CVE-2017-12610).
func (users plainExchange) step(_ time.Time, message []byte) ([]byte, *Identity, error) {
	parts := bytes.Split(message, []byte{0})
	if len(parts) != 3 {
		return nil, nil, refuse(fmt.Sprintf("Invalid SASL/PLAIN response: expected 3 tokens, got %d", len(parts)))
	}
	authzid, user, password := string(parts[0]), string(parts[1]), parts[2]
	switch {
	case user == "":
		return nil, nil, refuse("Authentication failed: username not specified")
	case len(password) == 0:
		return nil, nil, refuse("Authentication failed: password not specified")
	}
	want, known := users[user]
	got := sha256.Sum256(password)
	right := subtle.ConstantTimeCompare(want[:], got[:]) == 1 // an unknown user is compared with zeros
	switch {
	case !known || !right:
		return nil, nil, refuse("Authentication failed: Invalid username or password")
	case authzid != "" && authzid != user:
		return nil, nil, refuse("Authentication failed: Client requested an authorization id that is different from username")
	}
	return []byte{}, &Identity{Principal: User(user)}, nil
}
