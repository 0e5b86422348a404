package access

import (
	"strings"
	"testing"
)

func TestWho(t *testing.T) {
	both := Config{
		Users:  []Login{{Name: "ada", Secret: "pw"}, {Name: "bob", SecretSHA256: "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"}},
		Tokens: []Login{{Name: "ci", Secret: "t0k"}}, Certificates: true,
	}
	for _, c := range []struct {
		name  string
		cfg   Config
		shows Credentials
		who   string
		ok    bool
	}{
		{"nobody is asked", Config{}, Credentials{}, "", true},
		{"nothing is shown", both, Credentials{}, "", false},
		{"a password", both, Credentials{Basic: true, User: "ada", Password: "pw"}, "ada", true},
		{"a password by its hash", both, Credentials{Basic: true, User: "bob", Password: "test"}, "bob", true},
		{"a wrong password", both, Credentials{Basic: true, User: "ada", Password: "pW"}, "", false},
		{"an empty password", both, Credentials{Basic: true, User: "ada"}, "", false},
		{"nobody's name", both, Credentials{Basic: true, User: "eve", Password: "pw"}, "", false},
		{"a token", both, Credentials{Bearer: "t0k"}, "ci", true},
		{"a wrong token", both, Credentials{Bearer: "t0"}, "", false},
		{"a certificate", both, Credentials{Certificate: "svc"}, "svc", true},
		{"a certificate and a wrong password", both, Credentials{Certificate: "svc", Basic: true, User: "ada"}, "", false},
		{"a certificate where they name nobody", Config{Users: both.Users}, Credentials{Certificate: "svc"}, "", false},
	} {
		g, err := New(c.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if who, ok := g.Who(c.shows); ok != c.ok || ok && who != c.who {
			t.Errorf("%s: %q %v", c.name, who, ok)
		}
	}
}

func TestMay(t *testing.T) {
	users := []Login{{Name: "ada", Secret: "a"}, {Name: "bob", Secret: "b"}}
	g, err := New(Config{Users: users, Rules: []Rule{
		{"ada", []Operation{Read, Write}, []string{"orders-*", "users-value"}}, {"*", []Operation{Read}, []string{"public-*"}}, {"bob", Operations, []string{"*"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		who     string
		op      Operation
		subject string
		want    bool
	}{
		{"ada", Write, "orders-value", true}, {"ada", Write, "users-value", true}, {"ada", Write, "users-value2", false}, {"ada", Delete, "orders-value", false},
		{"ada", Write, "public-value", false}, {"ada", Read, "public-value", true}, {"ada", Read, ":.ctx:orders-value", false}, {"ada", Configure, "", false},
		{"bob", Configure, "", true}, {"bob", Delete, ":.ctx:x", true}, {"eve", Read, "orders-value", false},
	} {
		if g.May(c.who, c.op, c.subject) != c.want {
			t.Errorf("%s %s %q: %v", c.who, c.op, c.subject, !c.want)
		}
	}
	if g, err = New(Config{Users: users}); err != nil || !g.May("ada", Delete, "x") {
		t.Error("without rules not everybody may everything", err)
	}
}

func TestFaults(t *testing.T) {
	_, err := New(Config{
		Users:  []Login{{Name: "a"}, {Name: "b", Secret: "x", SecretSHA256: "y"}, {Secret: "x"}, {Name: "c", SecretSHA256: "12"}, {Name: "d", Secret: "1"}, {Name: "d", Secret: "2"}},
		Tokens: []Login{{Name: "t", Secret: "x"}, {Name: "u", Secret: "x"}}, Rules: []Rule{{Who: "a"}, {"a", []Operation{"fly"}, []string{"*"}}},
	})
	for _, want := range []string{"a needs a secret", "b needs a secret", "without a name", "the SHA-256 of c", "user d is there twice", "t and u are the same", "rule 1 needs", `"fly" is none`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	if _, err := New(Config{Rules: []Rule{{"*", Operations, []string{"*"}}}}); err == nil {
		t.Error("rules for nobody are accepted")
	}
}
