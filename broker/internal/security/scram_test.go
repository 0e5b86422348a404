package security

import (
	"bytes"
	"crypto/pbkdf2"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

type users map[metadata.ScramUser]*metadata.UserScramCredentialRecord

func (u users) ScramCredential(s metadata.ScramUser) *metadata.UserScramCredentialRecord { return u[s] }

func scramUsers(t testing.TB) users {
	u := users{}
	for _, h := range []ScramHash{SHA256, SHA512} {
		for _, name := range []string{"alice", "bob", "a,b=c"} {
			c, err := h.credential(name, name+"-secret", []byte("0123456789abcdef01234567"), MinScramIterations)
			if err != nil {
				t.Fatal(err)
			}
			u[metadata.ScramUser{Name: name, Mechanism: int8(h)}] = c
		}
	}
	return u
}

// scramClient is the other side of a dialogue, with places to tamper with it.
type scramClient struct {
	hash           ScramHash
	user, password string
	gs2            string // default n,,
	extensions     string
	binding        string              // default that of gs2
	nonce          func(string) string // changes the nonce of the last message
	proof          func([]byte) []byte // changes the proof
}

// run answers what the login came to and whether the server proved itself.
func (c scramClient) run(offer *SASL, now time.Time) (l *Login, proved bool, err error) {
	l = &Login{}
	if err := l.Handshake(now, offer, c.hash.Name()); err != nil {
		return l, false, err
	}
	gs2 := c.gs2
	if gs2 == "" {
		gs2 = "n,,"
	}
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(c.user)
	bare := "n=" + name + ",r=clientnonce" + c.extensions
	answer, _, _, err := l.Authenticate(now, []byte(gs2+bare))
	if err != nil {
		return l, false, err
	}
	serverFirst := string(answer)
	fields := strings.Split(serverFirst, ",")
	nonce, salt64, iterations := fields[0][2:], fields[1][2:], fields[2][2:]
	salt, _ := base64.StdEncoding.DecodeString(salt64)
	n, _ := strconv.Atoi(iterations)
	credential, err := c.hash.credential(c.user, c.password, salt, n)
	if err != nil {
		return l, false, err
	}
	if c.nonce != nil {
		nonce = c.nonce(nonce)
	}
	binding := c.binding
	if binding == "" {
		binding = base64.StdEncoding.EncodeToString([]byte(gs2))
	}
	final := "c=" + binding + ",r=" + nonce
	auth := bare + "," + serverFirst + "," + final
	proof := c.clientProof(salt, n, auth)
	if c.proof != nil {
		proof = c.proof(proof)
	}
	answer, _, done, err := l.Authenticate(now, []byte(final+",p="+base64.StdEncoding.EncodeToString(proof)))
	want := "v=" + base64.StdEncoding.EncodeToString(c.hash.mac(credential.ServerKey, auth))
	return l, done && string(answer) == want, err
}

func (c scramClient) clientProof(salt []byte, iterations int, auth string) []byte {
	salted := saltedPassword(c.hash, c.password, salt, iterations)
	key := c.hash.mac(salted, "Client Key")
	stored, _ := c.hash.Keys(salted)
	proof := c.hash.mac(stored, auth)
	for i := range proof {
		proof[i] ^= key[i]
	}
	return proof
}

func scramOffer(t testing.TB) *SASL {
	u := scramUsers(t)
	s := NewScram(func() Credentials { return u }, nil)
	return NewSASL(s.Mechanism(SHA256, 0), s.Mechanism(SHA512, 0))
}

func TestScramTakesWhoKnowsThePassword(t *testing.T) {
	offer := scramOffer(t)
	for _, h := range []ScramHash{SHA256, SHA512} {
		for _, user := range []string{"alice", "a,b=c"} {
			l, proved, err := scramClient{hash: h, user: user, password: user + "-secret"}.run(offer, start)
			if err != nil || !proved || l.Identity().Principal != User(user) {
				t.Errorf("%s %s: error %v, proved %v", h.Name(), user, err, proved)
			}
		}
	}
}

func TestScramRefusesEverythingElse(t *testing.T) {
	offer := scramOffer(t)
	good := scramClient{hash: SHA256, user: "alice", password: "alice-secret"}
	for name, change := range map[string]func(*scramClient){
		"a wrong password":         func(c *scramClient) { c.password = "x" },
		"an unknown user":          func(c *scramClient) { c.user = "nobody" },
		"another user":             func(c *scramClient) { c.user = "bob" },
		"another authorization id": func(c *scramClient) { c.gs2 = "n,a=bob," },
		"channel binding":          func(c *scramClient) { c.gs2 = "p=tls-unique,," },
		"another binding":          func(c *scramClient) { c.binding = "eSws" },
		"a mandatory extension":    func(c *scramClient) { c.extensions = ",m=x" },
		"a token nobody made":      func(c *scramClient) { c.extensions = ",tokenauth=true" },
		"a short proof":            func(c *scramClient) { c.proof = func(p []byte) []byte { return p[:len(p)-1] } },
		"a long proof":             func(c *scramClient) { c.proof = func(p []byte) []byte { return append(p, 0) } },
		"no proof":                 func(c *scramClient) { c.proof = func([]byte) []byte { return nil } },
		"a proof with one bit off": func(c *scramClient) { c.proof = func(p []byte) []byte { p[0] ^= 1; return p } },
	} {
		c := good
		change(&c)
		l, _, err := c.run(offer, start)
		if failed := (*AuthError)(nil); !errors.As(err, &failed) || !l.Failed() || l.Identity() != nil {
			t.Errorf("%s: error %v, failed %v", name, err, l.Failed())
		}
	}
	if _, proved, err := (scramClient{hash: SHA256, user: "alice", password: "alice-secret", gs2: "n,a=alice,"}).run(offer, start); err != nil || !proved {
		t.Errorf("the user's own authorization id: %v", err)
	}
}

func TestCVE_2024_56128_ScramChecksTheWholeNonce(t *testing.T) {
	offer := scramOffer(t)
	for name, change := range map[string]func(string) string{
		"the server's part changed": func(n string) string { return n[:len(n)-1] + string('A'+n[len(n)-1]%26) + "" },
		"the server's part cut":     func(n string) string { return n[:len(n)-1] },
		"the client's part alone":   func(string) string { return "clientnonce" },
		"something appended":        func(n string) string { return n + "x" },
		"the client's part changed": func(n string) string { return "C" + n[1:] },
	} {
		changed := func(n string) string {
			if out := change(n); out != n {
				return out
			}
			return n + "y"
		}
		l, _, err := scramClient{hash: SHA512, user: "alice", password: "alice-secret", nonce: changed}.run(offer, start)
		if err == nil || !l.Failed() {
			t.Errorf("%s: the login succeeded", name)
		}
	}
}

// Who asks for users must not learn which there are: salt and iterations look like others, and stay the same.
func TestScramPretendsToKnowEverybody(t *testing.T) {
	offer := scramOffer(t)
	first := func(user string) (salt []byte, iterations string) {
		l := &Login{}
		_ = l.Handshake(start, offer, ScramSHA256)
		answer, _, _, err := l.Authenticate(start, []byte("n,,n="+user+",r=abc"))
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Split(string(answer), ",")
		salt, err = base64.StdEncoding.DecodeString(fields[1][2:])
		if err != nil {
			t.Fatal(err)
		}
		return salt, fields[2]
	}
	a, iterations := first("nobody")
	again, _ := first("nobody")
	other, _ := first("somebody")
	known, knownIterations := first("alice")
	if !bytes.Equal(a, again) || bytes.Equal(a, other) || len(a) != len(known) || iterations != knownIterations {
		t.Errorf("salts %x, again %x, other %x, of a user %x; %s and %s", a, again, other, known, iterations, knownIterations)
	}
}

func TestNoncesAreNew(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		n := newNonce()
		if seen[n] || !printable(n) || len(n) < 24 {
			t.Fatalf("nonce %q", n)
		}
		seen[n] = true
	}
}

func imageWith(t testing.TB, records ...metadata.Record) *metadata.Image {
	t.Helper()
	d := metadata.NewDelta(metadata.Empty("c"))
	for _, r := range records {
		if err := d.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
	return d.Image(1, 1)
}

func TestADelegationTokenLogsInAsItsOwnerUntilItEnds(t *testing.T) {
	end := start.Add(time.Minute)
	image := imageWith(t, &metadata.DelegationTokenRecord{Owner: "User:alice", Requester: "User:alice", TokenID: "t1", ExpirationTimestamp: end.UnixMilli()})
	tokens := NewTokens("the secret", func() *metadata.Image { return image })
	s := NewScram(func() Credentials { return image }, tokens)
	offer := NewSASL(s.Mechanism(SHA256, 0))
	c := scramClient{hash: SHA256, user: "t1", password: base64.StdEncoding.EncodeToString(tokens.HMAC("t1")), extensions: ",tokenauth=true"}
	l, proved, err := c.run(offer, start)
	if err != nil || !proved || l.Identity().Principal != User("alice") || !l.Identity().Token {
		t.Fatalf("error %v, proved %v, identity %+v", err, proved, l.Identity())
	}
	if !l.Expired(end.Add(time.Second)) {
		t.Error("the session outlives the token")
	}
	if _, _, err := c.run(offer, end); err == nil {
		t.Error("a token that has ended logs in")
	}
	c.extensions = ""
	if _, _, err := c.run(offer, start); err == nil {
		t.Error("a token's id is a user's name")
	}
	if NewTokens("other", func() *metadata.Image { return image }).Find(tokens.HMAC("t1")) != nil {
		t.Error("a token of another secret was found")
	}
	if found := tokens.Find(tokens.HMAC("t1")); found == nil || found.TokenID != "t1" {
		t.Error("the token was not found")
	}
}

func saltedPassword(h ScramHash, password string, salt []byte, iterations int) []byte {
	salted, _ := pbkdf2.Key(h.new, password, salt, iterations, h.new().Size())
	return salted
}
