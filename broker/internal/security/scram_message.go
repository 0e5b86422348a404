package security

import (
	"encoding/base64"
	"strings"
)

// clientFirst is the client's first message:
//
//	gs2-header         n,[a=authzid],
//	bare               n=user,r=nonce[,tokenauth=true]
//
// In names "," is written =2C and "=" is written =3D.
type clientFirst struct {
	gs2, bare     string
	authzid, user string
	nonce         string
	token         bool // the user is the id of a delegation token (KIP-48)
}

// clientFinal is the client's last message: c=channel binding,r=nonce,p=proof.
type clientFinal struct {
	binding, nonce string
	proof          []byte
	withoutProof   string
}

var errScramMessage = refuse("Authentication failed: the SCRAM message is malformed")

func parseClientFirst(message string) (m clientFirst, err error) {
	flag, rest, ok := strings.Cut(message, ",")
	authz, bare, ok2 := strings.Cut(rest, ",")
	if !ok || !ok2 || flag != "n" && flag != "y" { // "p=" asks for channel binding, which nobody offers
		return m, errScramMessage
	}
	m.gs2, m.bare = message[:len(message)-len(bare)], bare
	if authz != "" {
		text, found := strings.CutPrefix(authz, "a=")
		if m.authzid, ok = saslName(text); !found || !ok {
			return m, errScramMessage
		}
	}
	fields := strings.Split(bare, ",")
	if len(fields) < 2 {
		return m, errScramMessage
	}
	user, isUser := strings.CutPrefix(fields[0], "n=")
	nonce, isNonce := strings.CutPrefix(fields[1], "r=")
	if m.user, ok = saslName(user); !isUser || !ok || m.user == "" || !isNonce || !printable(nonce) {
		return m, errScramMessage
	}
	m.nonce = nonce
	for _, extension := range fields[2:] {
		key, value, ok := strings.Cut(extension, "=")
		if !ok || key == "" || key == "m" { // "m=" is an extension that must be understood
			return m, errScramMessage
		}
		if key == "tokenauth" {
			m.token = strings.EqualFold(value, "true")
		}
	}
	return m, nil
}

func parseClientFinal(message string) (m clientFinal, err error) {
	at := strings.LastIndex(message, ",p=")
	if at < 0 {
		return m, errScramMessage
	}
	m.withoutProof = message[:at]
	if m.proof, err = base64.StdEncoding.DecodeString(message[at+3:]); err != nil {
		return m, errScramMessage
	}
	fields := strings.Split(m.withoutProof, ",")
	if len(fields) < 2 {
		return m, errScramMessage
	}
	binding, isBinding := strings.CutPrefix(fields[0], "c=")
	nonce, isNonce := strings.CutPrefix(fields[1], "r=")
	if !isBinding || !isNonce || !printable(nonce) {
		return m, errScramMessage
	}
	m.binding, m.nonce = binding, nonce
	return m, nil
}

// saslName decodes a name; false when "=" stands for something else than itself or a comma.
func saslName(text string) (string, bool) {
	if !strings.Contains(text, "=") {
		return text, true
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "=")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		switch {
		case strings.HasPrefix(rest, "2C"):
			b.WriteByte(',')
		case strings.HasPrefix(rest, "3D"):
			b.WriteByte('=')
		default:
			return "", false
		}
		text = rest[2:]
	}
}

// printable is what a nonce may be: not empty, ASCII from ! to ~ without commas.
func printable(nonce string) bool {
	for i := range len(nonce) {
		if c := nonce[i]; c < '!' || c > '~' || c == ',' {
			return false
		}
	}
	return nonce != ""
}
