package security

import (
	"strings"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// FuzzSASL sends messages of the fuzzer's making into every mechanism. Nobody may get in who does not hold a secret, and
// whatever happens happens without a panic; after a failure nothing is taken any more.
func FuzzSASL(f *testing.F) {
	u := users{}
	c, err := SHA256.credential("alice", "alice-secret", []byte("salt of sixteen."), MinScramIterations)
	if err != nil {
		f.Fatal(err)
	}
	u[metadata.ScramUser{Name: "alice", Mechanism: int8(SHA256)}] = c
	s := NewScram(func() Credentials { return u }, nil)
	offer := NewSASL(NewPlain(map[string]string{"alice": "alice-secret"}, time.Minute), s.Mechanism(SHA256, time.Minute), s.Mechanism(SHA512, 0), NewOAuth(validator(f), 0))
	names := offer.Names()
	for i, seed := range []string{
		"\x00alice\x00wrong", "n,,n=alice,r=abc", "n,a=alice,n=alice,r=abc,tokenauth=true", "n,,\x01auth=Bearer a.b.c\x01\x01", "c=biws,r=abc,p=AAAA",
	} {
		f.Add(i, []byte(seed), []byte("c=biws,r=abcdef,p=AAAA"))
	}
	f.Fuzz(func(t *testing.T, mechanism int, first, second []byte) {
		l := &Login{}
		if mechanism < 0 {
			mechanism = -(mechanism + 1)
		}
		name := names[mechanism%len(names)]
		if err := l.Handshake(start, offer, name); err != nil {
			t.Fatal(err)
		}
		for _, message := range [][]byte{first, second} {
			_, _, done, err := l.Authenticate(start, message)
			if done && !(name == Plain && strings.HasSuffix(string(message), "\x00alice\x00alice-secret")) {
				t.Fatalf("%s: %q and %q logged in as %v", name, first, second, l.Identity().Principal)
			}
			if err != nil && !done && !l.Failed() && l.Identity() == nil {
				t.Fatalf("%s: an error (%v) that ends nothing", name, err)
			}
		}
	})
}

// FuzzScramMessages parses; what is taken reads the same when it is written again.
func FuzzScramMessages(f *testing.F) {
	f.Add("n,,n=alice,r=abc")
	f.Add("n,a=a=2Cb,n=a=3Db,r=abc,tokenauth=true")
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := parseClientFirst(text); err == nil {
			if m.gs2+m.bare != text || m.user == "" || m.nonce == "" {
				t.Errorf("%q became %+v", text, m)
			}
			escaped := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(m.user)
			if again, ok := saslName(escaped); !ok || again != m.user {
				t.Errorf("name %q", m.user)
			}
		}
		if m, err := parseClientFinal(text); err == nil && !strings.HasPrefix(text, m.withoutProof+",p=") {
			t.Errorf("%q became %+v", text, m)
		}
		_, _, _ = parseOAuth(text)
		_, _ = ParseJAAS(text)
		_, _ = ParsePrincipalMap(text)
	})
}
