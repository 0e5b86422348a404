package security

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// issuer signs tokens with keys of every kind.
type issuer struct {
	rsa   *rsa.PrivateKey
	ecdsa *ecdsa.PrivateKey
	ed    ed25519.PrivateKey
}

var testIssuer = func() issuer {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	_, d, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return issuer{r, e, d}
}()

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwks is the issuer's key set.
func (i issuer) jwks(t testing.TB) []byte {
	t.Helper()
	point, err := i.ecdsa.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "r", "use": "sig", "n": b64(i.rsa.N.Bytes()), "e": b64(big.NewInt(int64(i.rsa.E)).Bytes())},
		{"kty": "EC", "kid": "e", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
		{"kty": "OKP", "kid": "d", "crv": "Ed25519", "x": b64(i.ed.Public().(ed25519.PublicKey))},
		{"kty": "oct", "kid": "o", "k": b64([]byte("secret"))},
		{"kty": "RSA", "kid": "enc", "use": "enc", "n": b64(i.rsa.N.Bytes()), "e": "AQAB"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// sign makes a token.
func (i issuer) sign(t testing.TB, alg, kid string, claims map[string]any) string {
	t.Helper()
	header, _ := json.Marshal(map[string]string{"alg": alg, "kid": kid, "typ": "JWT"})
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := b64(header) + "." + b64(body)
	sum := sha256.Sum256([]byte(text))
	var sig []byte
	switch alg {
	case "RS256":
		sig, err = rsa.SignPKCS1v15(rand.Reader, i.rsa, crypto.SHA256, sum[:])
	case "PS256":
		sig, err = rsa.SignPSS(rand.Reader, i.rsa, crypto.SHA256, sum[:], nil)
	case "ES256":
		r, s, e := ecdsa.Sign(rand.Reader, i.ecdsa, sum[:])
		sig, err = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), e
	case "EdDSA":
		sig = ed25519.Sign(i.ed, []byte(text))
	case "HS256": // with the public key as the secret, as an old attack has it
		m := hmac.New(sha256.New, i.rsa.N.Bytes())
		m.Write([]byte(text))
		sig = m.Sum(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + b64(sig)
}

type keys []PublicKey

func (k keys) Find(id, algorithm string) (out []PublicKey) {
	for _, key := range k {
		if id == "" || key.ID == id {
			out = append(out, key)
		}
	}
	return out
}

var testRules = TokenRules{Audience: []string{"kafka", "other"}, Issuer: "https://issuer", Skew: 30 * time.Second, ScopeClaim: "scope", SubjectClaim: "sub"}

func validator(t testing.TB) *TokenValidator {
	t.Helper()
	set, err := ParseKeySet(testIssuer.jwks(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(set) != 3 {
		t.Fatalf("%d keys, want those three that sign", len(set))
	}
	v, err := NewTokenValidator(testRules, keys(set), nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func goodClaims() map[string]any {
	return map[string]any{
		"sub": "alice", "iss": "https://issuer", "aud": []string{"x", "kafka"}, "scope": "read write",
		"exp": start.Add(time.Hour).Unix(), "iat": start.Unix(), "nbf": start.Unix(),
	}
}

func TestTokensOfEveryKindOfKeyAreTaken(t *testing.T) {
	v := validator(t)
	for alg, kid := range map[string]string{"RS256": "r", "PS256": "r", "ES256": "e", "EdDSA": "d"} {
		c, err := v.Validate(start, testIssuer.sign(t, alg, kid, goodClaims()))
		if err != nil || c.Subject != "alice" || len(c.Scopes) != 2 || !c.Expires.Equal(start.Add(time.Hour+30*time.Second)) {
			t.Errorf("%s: %+v, %v", alg, c, err)
		}
	}
	if _, err := v.Validate(start, testIssuer.sign(t, "RS256", "", goodClaims())); err != nil {
		t.Errorf("without a key id: %v", err)
	}
}

func TestCVE_2026_110985_TokensWithoutASignatureAreRefused(t *testing.T) {
	v := validator(t)
	good := testIssuer.sign(t, "RS256", "r", goodClaims())
	parts := strings.Split(good, ".")
	none := func(alg string) string { return b64([]byte(`{"alg":"`+alg+`"}`)) + "." + parts[1] + "." }
	stranger, _ := rsa.GenerateKey(rand.Reader, 2048)
	for name, token := range map[string]string{
		"alg none":                   none("none"),
		"alg NONE":                   none("NONE"),
		"alg empty":                  none(""),
		"alg none with a signature":  none("none") + parts[2],
		"no alg":                     b64([]byte(`{}`)) + "." + parts[1] + "." + parts[2],
		"two parts":                  parts[0] + "." + parts[1],
		"no signature":               parts[0] + "." + parts[1] + ".",
		"a signature of other text":  parts[0] + "." + b64([]byte(`{"sub":"admin","exp":9999999999,"iat":1}`)) + "." + parts[2],
		"another algorithm":          b64([]byte(`{"alg":"RS512","kid":"r"}`)) + "." + parts[1] + "." + parts[2],
		"another key of the issuer":  testIssuer.sign(t, "RS256", "e", goodClaims()),
		"a key of nobody":            testIssuer.sign(t, "RS256", "unknown", goodClaims()),
		"a stranger's key":           issuer{rsa: stranger}.sign(t, "RS256", "r", goodClaims()),
		"the public key as a secret": testIssuer.sign(t, "HS256", "r", goodClaims()),
		"a critical extension":       b64([]byte(`{"alg":"RS256","kid":"r","crit":["x"]}`)) + "." + parts[1] + "." + parts[2],
		"garbage":                    "a.b.c",
		"nothing":                    "",
	} {
		if _, err := v.Validate(start, token); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func TestCVE_2026_33557_ThereIsNoValidatorWithoutKeys(t *testing.T) {
	if v, err := NewTokenValidator(testRules, nil, nil); err == nil || v != nil {
		t.Error("a validator without keys")
	}
	for name, set := range map[string]string{"empty": `{"keys":[]}`, "no set": `{}`, "symmetric": `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`, "small": `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`} {
		if _, err := ParseKeySet([]byte(set)); err == nil {
			t.Errorf("%s: it is a set of keys", name)
		}
	}
	late := &KeySet{cfg: KeySetConfig{Logger: slog.New(slog.DiscardHandler)}, wake: make(chan struct{}, 1)} // its issuer did not answer yet
	v, err := NewTokenValidator(testRules, late, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Validate(start, testIssuer.sign(t, "RS256", "r", goodClaims())); err == nil {
		t.Error("a token was taken while there were no keys")
	}
}

func TestClaimsAreChecked(t *testing.T) {
	v := validator(t)
	for name, c := range map[string]struct {
		claim string
		value any // nil: absent
		ok    bool
	}{
		"expired":                {"exp", start.Add(-31 * time.Second).Unix(), false},
		"expired within skew":    {"exp", start.Add(-29 * time.Second).Unix(), true},
		"without end":            {"exp", nil, false},
		"an end that is text":    {"exp", "9999999999", false},
		"an end beyond time":     {"exp", 1e300, false},
		"not yet":                {"nbf", start.Add(31 * time.Second).Unix(), false},
		"not yet within skew":    {"nbf", start.Add(29 * time.Second).Unix(), true},
		"no beginning":           {"nbf", nil, true},
		"a beginning that is no": {"nbf", "x", false},
		"issued in the future":   {"iat", start.Add(time.Hour).Unix(), false},
		"never issued":           {"iat", nil, false},
		"another issuer":         {"iss", "https://issuer.evil", false},
		"no issuer":              {"iss", nil, false},
		"an issuer that is none": {"iss", []string{"https://issuer"}, false},
		"another audience":       {"aud", "kafk", false},
		"one audience":           {"aud", "other", true},
		"no audience":            {"aud", nil, false},
		"no subject":             {"sub", nil, false},
		"a blank subject":        {"sub", "  ", false},
		"a subject that is none": {"sub", 7, false},
		"no scope":               {"scope", nil, true},
		"scopes as a list":       {"scope", []string{"a", "b"}, true},
		"a scope that is none":   {"scope", []any{1}, false},
	} {
		claims := maps.Clone(goodClaims())
		if claims[c.claim] = c.value; c.value == nil {
			delete(claims, c.claim)
		}
		if _, err := v.Validate(start, testIssuer.sign(t, "ES256", "e", claims)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func bearer(token string) []byte { return []byte("n,,\x01auth=Bearer " + token + "\x01\x01") }

func TestOAuthLogsInUntilTheTokenEnds(t *testing.T) {
	l, offer := &Login{}, NewSASL(NewOAuth(validator(t), 0))
	if err := l.Handshake(start, offer, OAuthBearer); err != nil {
		t.Fatal(err)
	}
	_, lifetime, done, err := l.Authenticate(start, bearer(testIssuer.sign(t, "RS256", "r", goodClaims())))
	if err != nil || !done || lifetime != time.Hour+30*time.Second || l.Identity().Principal != User("alice") {
		t.Fatalf("lifetime %v, done %v, error %v", lifetime, done, err)
	}
}

// A bad token is answered with a status; the client says 0x01, and then the authentication has failed.
func TestOAuthErrorRoundTrip(t *testing.T) {
	for name, second := range map[string][]byte{"as it should": {1}, "another token": bearer("x"), "nothing": {}} {
		l, offer := &Login{}, NewSASL(NewOAuth(validator(t), 0))
		_ = l.Handshake(start, offer, OAuthBearer)
		answer, _, done, err := l.Authenticate(start, bearer("a.b.c"))
		if err != nil || done || string(answer) != invalidToken {
			t.Fatalf("%q, done %v, error %v", answer, done, err)
		}
		_, _, _, err = l.Authenticate(start, second)
		if failed := (*AuthError)(nil); !errors.As(err, &failed) || !l.Failed() {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestOAuthMessages(t *testing.T) {
	good := testIssuer.sign(t, "RS256", "r", goodClaims())
	for message, ok := range map[string]bool{
		"n,,\x01auth=Bearer " + good + "\x01\x01":                      true,
		"n,a=alice,\x01auth=bearer " + good + "\x01ext=1\x01\x01":      true,
		"n,a=bob,\x01auth=Bearer " + good + "\x01\x01":                 false,
		"n,,\x01auth=Basic " + good + "\x01\x01":                       false,
		"n,,\x01ext=1\x01\x01":                                         false,
		"p=x,,\x01auth=Bearer " + good + "\x01\x01":                    false,
		"n,,\x01auth=Bearer " + good + "\x01auth=Bearer a.b.c\x01\x01": false,
		"auth=Bearer " + good:                                          false,
		"":                                                             false,
	} {
		l, offer := &Login{}, NewSASL(NewOAuth(validator(t), 0))
		_ = l.Handshake(start, offer, OAuthBearer)
		if _, _, done, _ := l.Authenticate(start, []byte(message)); done != ok {
			t.Errorf("%q: done %v", message, done)
		}
	}
}

func TestKeysAreReadFromAFileAndOverTheNetwork(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	file := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(file, testIssuer.jwks(t), 0o600); err != nil {
		t.Fatal(err)
	}
	fromFile, err := NewKeySet(KeySetConfig{URL: "file://" + file, Logger: logger})
	if err != nil || len(fromFile.Find("r", "RS256")) != 1 || len(fromFile.Find("r", "ES256")) != 1 {
		t.Fatalf("from a file: %v", err)
	}
	for _, bad := range []string{"", "jwks.json", "ftp://x/jwks", "file:///nowhere/jwks.json", "jar:file:x", "jndi:ldap://x"} {
		if _, err := NewKeySet(KeySetConfig{URL: bad, Logger: logger}); err == nil {
			t.Errorf("%q is a source of keys", bad)
		}
	}
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(testIssuer.jwks(t))
	}))
	defer server.Close()
	s, err := NewKeySet(KeySetConfig{URL: server.URL, Refresh: time.Hour, Backoff: time.Millisecond, LongestRetry: time.Second, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	for deadline := time.Now().Add(10 * time.Second); len(s.Find("e", "ES256")) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the keys did not come")
		}
		time.Sleep(time.Millisecond)
	}
}

// FuzzToken decodes whatever comes: no token of the fuzzer has a signature.
func FuzzToken(f *testing.F) {
	v := validator(f)
	good := testIssuer.sign(f, "ES256", "e", goodClaims())
	f.Add(good[:len(good)-4])
	f.Add(b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(`{"sub":"x"}`)) + ".")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Validate(start, token); err == nil && token != good {
			t.Errorf("%q was taken", token)
		}
	})
}
