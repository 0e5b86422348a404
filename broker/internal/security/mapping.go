package security

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// PrincipalMap turns the name of a certificate into a user name (KIP-371). A nil map keeps names as they are.
type PrincipalMap struct{ rules []mappingRule }

// mappingRule is DEFAULT, when pattern is nil, or RULE:pattern/replacement/[L|U].
type mappingRule struct {
	pattern     *regexp.Regexp
	replacement string
	change      byte // L, U or 0
}

// ParsePrincipalMap reads ssl.principal.mapping.rules: rules with commas between them, of which the first that matches the
// whole name counts. Patterns are Go's (RE2): lookarounds and back references of Java are refused.
func ParsePrincipalMap(text string) (*PrincipalMap, error) {
	m := &PrincipalMap{}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimLeft(rest, ", \t\r\n") {
		if after, ok := strings.CutPrefix(rest, "DEFAULT"); ok {
			m.rules, rest = append(m.rules, mappingRule{}), after
			continue
		}
		body, ok := strings.CutPrefix(rest, "RULE:")
		if !ok {
			return nil, fmt.Errorf("%q is neither DEFAULT nor RULE:pattern/replacement/[LU]", rest)
		}
		pattern, body, ok1 := cutSlash(body)
		replacement, body, ok2 := cutSlash(body)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("%q: a rule is RULE:pattern/replacement/[LU]", rest)
		}
		r := mappingRule{replacement: goReplacement(replacement)}
		if body != "" && (body[0] == 'L' || body[0] == 'U') {
			r.change, body = body[0], body[1:]
		}
		if body != "" && !strings.ContainsRune(", \t\r\n", rune(body[0])) {
			return nil, fmt.Errorf("%q: only L or U may stand behind a rule", rest)
		}
		var err error
		if r.pattern, err = regexp.Compile("^(?:" + pattern + ")$"); err != nil {
			return nil, fmt.Errorf("rule %q: %w", pattern, err)
		}
		m.rules, rest = append(m.rules, r), body
	}
	return m, nil
}

// cutSlash cuts at the first slash that no backslash escapes.
func cutSlash(text string) (before, after string, found bool) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '/':
			return strings.ReplaceAll(text[:i], `\/`, "/"), text[i+1:], true
		}
	}
	return "", "", false
}

// goReplacement turns Java's $1 into Go's ${1}: $1x would name a group "1x".
func goReplacement(java string) string {
	return regexp.MustCompile(`\$(\d)`).ReplaceAllString(java, `$${$1}`)
}

// Apply is the user name of a certificate's name; no rule for it is an error.
func (m *PrincipalMap) Apply(name string) (string, error) {
	if m == nil || len(m.rules) == 0 {
		return name, nil
	}
	for _, r := range m.rules {
		if r.pattern == nil {
			return name, nil
		}
		if !r.pattern.MatchString(name) {
			continue
		}
		user := r.pattern.ReplaceAllString(name, r.replacement)
		switch r.change {
		case 'L':
			user = strings.ToLower(user)
		case 'U':
			user = strings.ToUpper(user)
		}
		return user, nil
	}
	return "", errors.New("no rule of ssl.principal.mapping.rules matches the name of the certificate")
}
