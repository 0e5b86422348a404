package security

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"strings"
	"testing"
)

func TestPrincipalMapping(t *testing.T) {
	const name = "CN=kafka1.Example.com,OU=Users,O=Org,L=City,ST=State,C=US"
	for _, c := range []struct{ rules, want string }{
		{"", name},
		{"DEFAULT", name},
		{`RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,RULE:^CN=(.*?),OU=Users.*$/$1/L,DEFAULT`, "kafka1.example.com"},
		{`RULE:^CN=(.*?),.*$/$1/U`, "KAFKA1.EXAMPLE.COM"},
		{`RULE:^CN=(.*?),OU=(.*?),.*$/$1@$2/`, "kafka1.Example.com@Users"},
		{`RULE:^CN=(.*?),.*$/$1x/`, "kafka1.Example.comx"},
		{` RULE:^.*O=(.*?),.*$/$1\/admin/ , DEFAULT`, "Org/admin"},
		{`RULE:CN=kafka1/x/,DEFAULT`, name}, // only the whole name matches
	} {
		m, err := ParsePrincipalMap(c.rules)
		if err != nil {
			t.Errorf("%s: %v", c.rules, err)
			continue
		}
		if got, err := m.Apply(name); err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.rules, got, err, c.want)
		}
	}
	m, _ := ParsePrincipalMap(`RULE:^CN=nobody$/x/`)
	if got, err := m.Apply(name); err == nil {
		t.Errorf("without a rule for it the name became %q", got)
	}
	for _, bad := range []string{"default", "RULE:", "RULE:a", "RULE:a/b", "RULE:a/b/x", "RULE:(/b/", "RULE:a/b/LU", "DEFAULT;x"} {
		if _, err := ParsePrincipalMap(bad); err == nil {
			t.Errorf("%q is a rule", bad)
		}
	}
}

// Names are written as Java writes them, or rules that were made for Kafka would not match.
func TestDistinguishedNames(t *testing.T) {
	oid := func(n ...int) asn1.ObjectIdentifier { return n }
	text, _ := newAuthority(t).issue(t, 1, pkix.Name{
		Country: []string{"US"}, Organization: []string{"Org, Inc."}, CommonName: "#a+b ", ExtraNames: []pkix.AttributeTypeAndValue{
			{Type: oid(0, 9, 2342, 19200300, 100, 1, 25), Value: "example"}, {Type: oid(1, 2, 840, 113549, 1, 9, 1), Value: "a@b"}},
	})
	block, _ := pem.Decode([]byte(text))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DistinguishedName(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`CN=\#a\+b\ `, `O=Org\, Inc.`, "DC=example", "C=US", "1.2.840.113549.1.9.1=#"} {
		if !strings.Contains(got, part) {
			t.Errorf("%s lacks %s", got, part)
		}
	}
}
