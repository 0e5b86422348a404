package schemaregistry

import (
	"crypto/tls"

	"github.com/mainstem-io/mainstem/schemaregistry/internal/access"
)

// Security is who may use a registry's listener, and how. With any users, tokens or certificates a request without credentials
// is refused; with rules, what none of them allows.
type Security struct {
	TLS          *tls.Config // nil: plain HTTP
	Users        []Login     // of HTTP basic authentication
	Tokens       []Login     // of bearer tokens
	Certificates bool        // a certificate that TLS has verified names its client by the subject's common name
	Rules        []Rule
}

// Login is a name with its secret, as text or as the hex of its SHA-256.
type Login = access.Login

// Rule allows principals operations (read, write, delete, configure) on subjects. Everybody is "*"; a subject may end with *.
type Rule = access.Rule

// Operation is what a Rule allows.
type Operation = access.Operation

// guard is nil when everybody may do everything.
func (s Security) guard() (*access.Guard, error) {
	if len(s.Users) == 0 && len(s.Tokens) == 0 && !s.Certificates && len(s.Rules) == 0 {
		return nil, nil
	}
	return access.New(access.Config{Users: s.Users, Tokens: s.Tokens, Certificates: s.Certificates, Rules: s.Rules})
}
