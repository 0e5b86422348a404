package security

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"strings"
)

// attributeNames are the keywords that Java's X500Principal writes in RFC 2253's form; everything else is a number there.
var attributeNames = map[string]string{
	"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU",
	"0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
}

// attribute is one element of a name.
type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// attributes are those of one level of a name; the ending tells asn1 that it is a set.
type attributesSET []attribute

// DistinguishedName is a certificate's subject as Java writes it (RFC 2253), the last level first: CN=alice,OU=Users,O=Org.
// Rules for mapping names are written against this text, so it must not differ.
func DistinguishedName(c *x509.Certificate) (string, error) {
	var levels []attributesSET
	if rest, err := asn1.Unmarshal(c.RawSubject, &levels); err != nil || len(rest) > 0 {
		return "", fmt.Errorf("the subject of a certificate is malformed: %w", err)
	}
	var b strings.Builder
	for i := len(levels) - 1; i >= 0; i-- {
		for j, a := range levels[i] {
			switch {
			case j > 0:
				b.WriteByte('+')
			case b.Len() > 0:
				b.WriteByte(',')
			}
			a.write(&b)
		}
	}
	return b.String(), nil
}

func (a attribute) write(b *strings.Builder) {
	name, known := attributeNames[a.Type.String()]
	var text string
	if _, err := asn1.Unmarshal(a.Value.FullBytes, &text); known && err == nil {
		b.WriteString(name + "=" + escapeDN(text))
		return
	}
	if !known {
		name = a.Type.String()
	}
	b.WriteString(name + "=#" + hex.EncodeToString(a.Value.FullBytes))
}

// escapeDN puts backslashes before what has a meaning in a name, and before blanks at the ends.
func escapeDN(text string) string {
	var b strings.Builder
	for i, r := range text {
		edge := r == ' ' && (i == 0 || i == len(text)-1)
		if strings.ContainsRune(`,+"\<>;`, r) || r == '#' && i == 0 || edge {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
