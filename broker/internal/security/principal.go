package security

import (
	"fmt"
	"strings"
)

// Principal is who somebody is. It is compared as a value.
type Principal struct{ Type, Name string }

// UserType is the only type of principal that logins make.
const UserType = "User"

// Anonymous is a client that did not say who it is.
var Anonymous = User("ANONYMOUS")

// User is the principal of a user name.
func User(name string) Principal { return Principal{UserType, name} }

func (p Principal) String() string { return p.Type + ":" + p.Name }

// ParsePrincipal reads Type:name; the name may hold colons.
func ParsePrincipal(text string) (Principal, error) {
	kind, name, ok := strings.Cut(text, ":")
	if !ok || kind == "" {
		return Principal{}, fmt.Errorf("%q is no principal: expected Type:name, as in User:alice", text)
	}
	return Principal{kind, name}, nil
}

// ParsePrincipals reads a list with semicolons, as super.users has it: names of certificates hold commas.
func ParsePrincipals(text string) ([]Principal, error) {
	var out []Principal
	for part := range strings.SplitSeq(text, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		p, err := ParsePrincipal(part)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}
