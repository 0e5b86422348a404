package security

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"strconv"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// ScramHash is one of the two hashes, by Kafka's numbers of the mechanisms.
type ScramHash int8

const (
	SHA256 ScramHash = 1
	SHA512 ScramHash = 2
)

// Bounds of a credential's iterations, as Kafka's ScramMechanism.
const (
	MinScramIterations = 4096
	MaxScramIterations = 16384
)

func (h ScramHash) new() hash.Hash {
	if h == SHA512 {
		return sha512.New()
	}
	return sha256.New()
}

// Name is the mechanism's.
func (h ScramHash) Name() string {
	if h == SHA512 {
		return ScramSHA512
	}
	return ScramSHA256
}

func (h ScramHash) mac(key []byte, parts ...string) []byte {
	m := hmac.New(h.new, key)
	for _, p := range parts {
		m.Write([]byte(p))
	}
	return m.Sum(nil)
}

// Keys derives what is stored from a salted password (RFC 5802): the password itself never reaches the broker.
func (h ScramHash) Keys(salted []byte) (storedKey, serverKey []byte) {
	d := h.new()
	d.Write(h.mac(salted, "Client Key"))
	return d.Sum(nil), h.mac(salted, "Server Key")
}

// credential derives a whole credential from a password.
func (h ScramHash) credential(user, password string, salt []byte, iterations int) (*metadata.UserScramCredentialRecord, error) {
	salted, err := pbkdf2.Key(h.new, password, salt, iterations, h.new().Size())
	if err != nil { // only without a salt or iterations
		return nil, err
	}
	c := &metadata.UserScramCredentialRecord{Name: user, Mechanism: int8(h), Salt: salt, Iterations: int32(iterations)}
	c.StoredKey, c.ServerKey = h.Keys(salted)
	return c, nil
}

// Credentials is where SCRAM finds what users have proved they know.
type Credentials interface {
	// ScramCredential answers nil for an unknown user.
	ScramCredential(u metadata.ScramUser) *metadata.UserScramCredentialRecord
}

// Scram makes the mechanisms SCRAM-SHA-256 and SCRAM-SHA-512.
type Scram struct {
	Credentials func() Credentials // the newest
	Tokens      *Tokens            // nil: no delegation tokens
	secret      [32]byte           // of the salts of users who do not exist
}

// NewScram takes credentials from where they are newest.
func NewScram(credentials func() Credentials, tokens *Tokens) *Scram {
	s := &Scram{Credentials: credentials, Tokens: tokens}
	_, _ = rand.Read(s.secret[:]) // never fails
	return s
}

// Mechanism is SCRAM with one of the hashes.
func (s *Scram) Mechanism(h ScramHash, maxReauth time.Duration) Mechanism {
	return Mechanism{Name: h.Name(), MaxReauth: maxReauth, begin: func() exchange { return &scramExchange{scram: s, hash: h} }}
}

// fakeSaltBytes is the length of salts that Kafka's and most other tools make.
const fakeSaltBytes = 24

// pretend is the credential of a user who does not exist: the same salt whenever it is asked for, and keys that no
// password fits, so that the dialogue tells nobody which users there are.
func (s *Scram) pretend(h ScramHash, user string) *metadata.UserScramCredentialRecord {
	salt := SHA512.mac(s.secret[:], "salt", h.Name(), user)[:fakeSaltBytes]
	key := h.mac(s.secret[:], "key", user)
	return &metadata.UserScramCredentialRecord{Name: user, Salt: salt, StoredKey: key, ServerKey: key, Iterations: MinScramIterations}
}

// scramExchange is one dialogue: client-first, server-first, client-final, server-final (RFC 5802).
type scramExchange struct {
	scram *Scram
	hash  ScramHash

	first       clientFirst
	serverFirst string
	nonce       string // the client's part and ours
	credential  *metadata.UserScramCredentialRecord
	known       bool
	who         Identity
}

func (e *scramExchange) step(now time.Time, message []byte) ([]byte, *Identity, error) {
	if e.serverFirst == "" {
		answer, err := e.start(now, string(message))
		return answer, nil, err
	}
	return e.finish(string(message))
}

func (e *scramExchange) start(now time.Time, message string) ([]byte, error) {
	first, err := parseClientFirst(message)
	if err != nil {
		return nil, err
	}
	if first.authzid != "" && first.authzid != first.user {
		return nil, refuse("Authentication failed: Client requested an authorization id that is different from username")
	}
	e.first, e.who = first, Identity{Principal: User(first.user)}
	if first.token {
		e.credential, e.who = e.scram.Tokens.credential(now, e.hash, first.user)
	} else {
		e.credential = e.scram.Credentials().ScramCredential(metadata.ScramUser{Name: first.user, Mechanism: int8(e.hash)})
	}
	if e.known = e.credential != nil; !e.known {
		e.credential = e.scram.pretend(e.hash, first.user)
	}
	e.nonce = first.nonce + newNonce()
	e.serverFirst = "r=" + e.nonce + ",s=" + base64.StdEncoding.EncodeToString(e.credential.Salt) + ",i=" + strconv.Itoa(int(e.credential.Iterations))
	return []byte(e.serverFirst), nil
}

func newNonce() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawStdEncoding.EncodeToString(b[:])
}

// finish checks the proof. The whole nonce counts, the server's part too: one that only begins like it would let a recorded
// login be played again (CVE-2024-56128).
func (e *scramExchange) finish(message string) ([]byte, *Identity, error) {
	bad := refuse("Authentication failed during authentication due to invalid credentials with SASL mechanism " + e.hash.Name())
	final, err := parseClientFinal(message)
	if err != nil {
		return nil, nil, err
	}
	nonce := subtle.ConstantTimeCompare([]byte(final.nonce), []byte(e.nonce)) == 1
	binding := final.binding == base64.StdEncoding.EncodeToString([]byte(e.first.gs2))
	auth := e.first.bare + "," + e.serverFirst + "," + final.withoutProof
	proved := e.proves(final.proof, auth)
	if !nonce || !binding || !proved || !e.known {
		return nil, nil, bad
	}
	proof := e.hash.mac(e.credential.ServerKey, auth)
	return []byte("v=" + base64.StdEncoding.EncodeToString(proof)), &e.who, nil
}

// proves tells whether a proof shows the client key: proof XOR signature is the key, whose hash is stored.
func (e *scramExchange) proves(proof []byte, auth string) bool {
	signature := e.hash.mac(e.credential.StoredKey, auth)
	if len(proof) != len(signature) {
		return false
	}
	key := make([]byte, len(proof))
	subtle.XORBytes(key, proof, signature)
	d := e.hash.new()
	d.Write(key)
	return subtle.ConstantTimeCompare(d.Sum(nil), e.credential.StoredKey) == 1
}
