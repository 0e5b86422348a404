package security

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// start is the moment at which tests begin.
var start = time.Unix(1_800_000_000, 0)

func plainOffer(maxReauth time.Duration) *SASL {
	return NewSASL(NewPlain(map[string]string{"alice": "alice-secret", "bob": "bob-secret"}, maxReauth))
}

func token(parts ...string) []byte { return []byte(strings.Join(parts, "\x00")) }

// mustLogin takes alice in.
func mustLogin(t *testing.T, l *Login, offer *SASL, now time.Time) time.Duration {
	t.Helper()
	if err := l.Handshake(now, offer, Plain); err != nil {
		t.Fatal(err)
	}
	_, lifetime, done, err := l.Authenticate(now, token("", "alice", "alice-secret"))
	if err != nil || !done {
		t.Fatalf("done %v, error %v", done, err)
	}
	return lifetime
}

func TestATokenBeforeTheHandshakeEndsTheConnection(t *testing.T) {
	l := &Login{}
	if _, _, _, err := l.Authenticate(start, token("", "alice", "alice-secret")); !errors.Is(err, ErrSASLState) || !l.Failed() {
		t.Fatalf("error %v, failed %v", err, l.Failed())
	}
	if err := l.Handshake(start, plainOffer(0), Plain); !errors.Is(err, ErrSASLState) {
		t.Fatalf("a failed login goes on: %v", err)
	}
}

func TestAnUnknownMechanismEndsTheConnection(t *testing.T) {
	l := &Login{}
	if err := l.Handshake(start, plainOffer(0), "GSSAPI"); !errors.Is(err, ErrMechanism) || !l.Failed() {
		t.Fatalf("error %v, failed %v", err, l.Failed())
	}
}

func TestTwoHandshakesInARowEndTheConnection(t *testing.T) {
	l := &Login{}
	_ = l.Handshake(start, plainOffer(0), Plain)
	if err := l.Handshake(start, plainOffer(0), Plain); !errors.Is(err, ErrSASLState) || !l.Failed() {
		t.Fatalf("error %v, failed %v", err, l.Failed())
	}
}

func TestWithoutAnEndOfSessionThereIsNoSecondLogin(t *testing.T) {
	l, offer := &Login{}, plainOffer(0)
	if lifetime := mustLogin(t, l, offer, start); lifetime != 0 {
		t.Fatalf("lifetime %v", lifetime)
	}
	if err := l.Handshake(start, offer, Plain); !errors.Is(err, ErrSASLState) || l.Failed() {
		t.Fatalf("error %v, failed %v: the client is told and goes on", err, l.Failed())
	}
	if l.Expired(start.Add(1000 * time.Hour)) {
		t.Fatal("the session ended")
	}
}

func TestASessionEndsUnlessItIsRenewed(t *testing.T) {
	l, offer := &Login{}, plainOffer(time.Minute)
	if lifetime := mustLogin(t, l, offer, start); lifetime != time.Minute {
		t.Fatalf("lifetime %v", lifetime)
	}
	if l.Expired(start.Add(59*time.Second)) || !l.Expired(start.Add(61*time.Second)) {
		t.Fatal("the session does not end after a minute")
	}
	mustLogin(t, l, offer, start.Add(50*time.Second))
	if l.Expired(start.Add(100*time.Second)) || !l.Expired(start.Add(111*time.Second)) {
		t.Fatal("the renewed session does not end a minute after its renewal")
	}
}

func TestRenewalsAreASecondApart(t *testing.T) {
	l, offer := &Login{}, plainOffer(time.Minute)
	mustLogin(t, l, offer, start)
	mustLogin(t, l, offer, start) // the first may come at once
	if err := l.Handshake(start.Add(time.Second/2), offer, Plain); !errors.Is(err, ErrSASLState) || l.Failed() {
		t.Fatalf("error %v, failed %v", err, l.Failed())
	}
	mustLogin(t, l, offer, start.Add(2*time.Second))
}

func TestARenewalKeepsThePrincipal(t *testing.T) {
	l, offer := &Login{}, plainOffer(time.Minute)
	mustLogin(t, l, offer, start)
	if err := l.Handshake(start, offer, Plain); err != nil {
		t.Fatal(err)
	}
	_, _, _, err := l.Authenticate(start, token("", "bob", "bob-secret"))
	if failed := (*AuthError)(nil); !errors.As(err, &failed) || !strings.Contains(failed.Text, "Cannot change principals") || !l.Failed() {
		t.Fatalf("bob took alice's connection over: %v", err)
	}
}

func TestARenewalKeepsTheMechanism(t *testing.T) {
	l, offer := &Login{}, plainOffer(time.Minute)
	mustLogin(t, l, offer, start)
	if err := l.Handshake(start, offer, ScramSHA256); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := l.Authenticate(start, token("", "alice", "alice-secret")); err == nil || !l.Failed() {
		t.Fatalf("error %v", err)
	}
}

func TestPlainTakesNobodyElse(t *testing.T) {
	for _, c := range [][]byte{
		token(""), token("alice"), token("", "alice"), token("", "", "pw"), token("", "alice", ""), token("", "alice", "alice-secret", ""),
		token("", "alice", "alice-secre"), token("", "alice", "alice-secret "), token("", "nobody", "alice-secret"), token("", "alice", "bob-secret"),
		token("", "nobody", strings.Repeat("\x01", 32)),
	} {
		l := &Login{}
		_ = l.Handshake(start, plainOffer(0), Plain)
		if _, _, done, err := l.Authenticate(start, c); done || err == nil || !l.Failed() {
			t.Errorf("%q: done %v, error %v", c, done, err)
		}
	}
}

// An unknown user and a wrong password must not differ.
func TestPlainSaysTheSameOfUnknownUsers(t *testing.T) {
	say := func(message []byte) string {
		l := &Login{}
		_ = l.Handshake(start, plainOffer(0), Plain)
		_, _, _, err := l.Authenticate(start, message)
		return err.Error()
	}
	if a, b := say(token("", "alice", "x")), say(token("", "nobody", "x")); a != b {
		t.Errorf("%q for a wrong password, %q for an unknown user", a, b)
	}
}

func TestCVE_2017_12610_PlainAuthorizationIDIsTheUsersOwn(t *testing.T) {
	for authzid, ok := range map[string]bool{"": true, "alice": true, "bob": false, "admin": false, "Alice": false} {
		l := &Login{}
		_ = l.Handshake(start, plainOffer(0), Plain)
		_, _, done, _ := l.Authenticate(start, token(authzid, "alice", "alice-secret"))
		if done != ok {
			t.Errorf("authorization id %q: done %v", authzid, done)
		}
		if done && l.Identity().Principal != User("alice") {
			t.Errorf("authorization id %q made the client %v", authzid, l.Identity().Principal)
		}
	}
}
