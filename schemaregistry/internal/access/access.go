// Package access owns who a client of the registry is, and what it may do with which subjects. Pure.
//
// With any users, tokens or required certificates a request without credentials is nobody's, and refused: a header that is
// missing is never skipped. Without rules everybody who is known may do everything; with rules what none of them allows is
// refused.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Operation is what is done with a subject.
type Operation string

// Operations. Configure is changing levels, modes and aliases; of no subject, those of all.
const (
	Read      Operation = "read"
	Write     Operation = "write"
	Delete    Operation = "delete"
	Configure Operation = "configure"
)

// Operations lists all of them.
var Operations = []Operation{Read, Write, Delete, Configure}

// Login is a name with its secret, as text or as the hex of its SHA-256.
type Login struct {
	Name         string
	Secret       string
	SecretSHA256 string
}

// Rule allows principals operations on subjects. Everybody is "*"; a subject may end with *.
type Rule struct {
	Who      string
	May      []Operation
	Subjects []string
}

// Config is who is known and what they may do.
type Config struct {
	Users        []Login // of HTTP basic authentication
	Tokens       []Login // of bearer tokens
	Certificates bool    // a client's certificate, which TLS has checked, names it
	Rules        []Rule
}

// Credentials are what a request shows.
type Credentials struct {
	Basic          bool
	User, Password string
	Bearer         string
	Certificate    string // the common name of a certificate that was checked
}

type digest [sha256.Size]byte

// Guard answers who and what. Make it with New.
type Guard struct {
	users        map[string]digest
	tokens       map[digest]string
	certificates bool
	rules        []Rule
}

// New checks a configuration; every fault is in the error.
func New(c Config) (*Guard, error) {
	g := &Guard{users: map[string]digest{}, tokens: map[digest]string{}, certificates: c.Certificates, rules: c.Rules}
	var faults []error
	for _, u := range c.Users {
		d, err := u.digest()
		if _, twice := g.users[u.Name]; twice {
			err = fmt.Errorf("user %s is there twice", u.Name)
		}
		faults = append(faults, err)
		g.users[u.Name] = d
	}
	for _, t := range c.Tokens {
		d, err := t.digest()
		if other, twice := g.tokens[d]; twice && err == nil {
			err = fmt.Errorf("the tokens of %s and %s are the same", other, t.Name)
		}
		faults = append(faults, err)
		g.tokens[d] = t.Name
	}
	for i, r := range c.Rules {
		faults = append(faults, r.check(i))
	}
	if len(c.Rules) > 0 && !g.asks() {
		faults = append(faults, errors.New("rules without users, tokens or certificates: nobody would be known"))
	}
	return g, errors.Join(faults...)
}

func (l Login) digest() (d digest, err error) {
	switch {
	case l.Name == "":
		return d, errors.New("a login without a name")
	case (l.Secret == "") == (l.SecretSHA256 == ""):
		return d, fmt.Errorf("%s needs a secret or its SHA-256, and not both", l.Name)
	case l.Secret != "":
		return sha256.Sum256([]byte(l.Secret)), nil
	}
	raw, err := hex.DecodeString(l.SecretSHA256)
	if err != nil || len(raw) != len(d) {
		return d, fmt.Errorf("the SHA-256 of %s is not %d hex digits", l.Name, 2*len(d))
	}
	return digest(raw), nil
}

func (r Rule) check(i int) error {
	if r.Who == "" || len(r.May) == 0 || len(r.Subjects) == 0 {
		return fmt.Errorf("rule %d needs who, may and subjects", i+1)
	}
	for _, op := range r.May {
		if !slices.Contains(Operations, op) {
			return fmt.Errorf("rule %d: %q is none of read, write, delete, configure", i+1, op)
		}
	}
	return nil
}

// asks tells whether requests need credentials.
func (g *Guard) asks() bool { return len(g.users) > 0 || len(g.tokens) > 0 || g.certificates }

// Who answers the name of who shows the credentials. What is shown must be right: a wrong password is not made good by a
// certificate.
func (g *Guard) Who(c Credentials) (string, bool) {
	switch {
	case !g.asks():
		return "", true
	case c.Basic:
		want, known := g.users[c.User] // of who is not known, the comparison runs against zeros all the same
		got := sha256.Sum256([]byte(c.Password))
		return c.User, subtle.ConstantTimeCompare(want[:], got[:]) == 1 && known
	case c.Bearer != "":
		name, known := g.tokens[sha256.Sum256([]byte(c.Bearer))] // by its hash: how long it takes tells nothing about it
		return name, known
	}
	return c.Certificate, g.certificates && c.Certificate != ""
}

// May tells whether who may do that with a subject; with "" for all.
func (g *Guard) May(who string, op Operation, subject string) bool {
	if len(g.rules) == 0 {
		return true
	}
	for _, r := range g.rules {
		if (r.Who == "*" || r.Who == who) && slices.Contains(r.May, op) && slices.ContainsFunc(r.Subjects, func(p string) bool { return matches(p, subject) }) {
			return true
		}
	}
	return false
}

func matches(pattern, subject string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(subject, prefix)
	}
	return pattern == subject
}
