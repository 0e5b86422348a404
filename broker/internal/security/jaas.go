package security

import (
	"fmt"
	"strings"
)

// JAAS is one line of a login configuration: a module and its options.
//
//	org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" user_alice="secret";
type JAAS struct {
	Module  string // short: PlainLoginModule
	Options map[string]string
}

// modules is the list of those that may be named: any other class is refused, so that a configuration cannot name one that
// reaches out, as JndiLoginModule did (CVE-2023-25194).
var modules = map[string]string{
	"org.apache.kafka.common.security.plain.PlainLoginModule":             "PlainLoginModule",
	"org.apache.kafka.common.security.scram.ScramLoginModule":             "ScramLoginModule",
	"org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule": "OAuthBearerLoginModule",
}

// moduleOf is the module that a mechanism wants.
var moduleOf = map[string]string{
	Plain: "PlainLoginModule", ScramSHA256: "ScramLoginModule", ScramSHA512: "ScramLoginModule", OAuthBearer: "OAuthBearerLoginModule",
}

// ParseJAAS reads the value of sasl.jaas.config. Its errors quote no option: they are passwords.
func ParseJAAS(text string) (JAAS, error) {
	words, err := jaasWords(text)
	if err != nil {
		return JAAS{}, err
	}
	if len(words) < 2 {
		return JAAS{}, fmt.Errorf("expected 'Module required option=\"value\";'")
	}
	module, ok := modules[words[0].text]
	if !ok {
		return JAAS{}, fmt.Errorf("login module %q is none of Kafka's PlainLoginModule, ScramLoginModule and OAuthBearerLoginModule", words[0].text)
	}
	switch words[1].text {
	case "required", "requisite", "sufficient", "optional":
	default:
		return JAAS{}, fmt.Errorf("expected the word required behind the login module")
	}
	j := JAAS{module, map[string]string{}}
	for _, w := range words[2:] {
		if w.key == "" {
			return JAAS{}, fmt.Errorf("expected option=\"value\"")
		}
		j.Options[w.key] = w.text
	}
	return j, nil
}

// Check says whether a line fits a mechanism.
func (j JAAS) Check(mechanism string) error {
	if want := moduleOf[mechanism]; j.Module != want {
		return fmt.Errorf("mechanism %s needs the login module %s, not %s", mechanism, want, j.Module)
	}
	return nil
}

// Users are those of PLAIN: user_NAME="password".
func (j JAAS) Users() map[string]string {
	out := map[string]string{}
	for key, value := range j.Options {
		if name, ok := strings.CutPrefix(key, "user_"); ok && name != "" {
			out[name] = value
		}
	}
	return out
}

// jaasWord is a bare word, or key=value.
type jaasWord struct{ key, text string }

// jaasWords cuts a line, which ends at its semicolon, into words; values may be quoted and hold escapes then.
func jaasWords(text string) ([]jaasWord, error) {
	var words []jaasWord
	rest := strings.TrimSpace(text)
	for rest != "" && rest[0] != ';' {
		n := strings.IndexAny(rest, " \t\r\n=;")
		if n < 0 {
			n = len(rest)
		}
		word := rest[:n]
		rest = strings.TrimLeft(rest[n:], " \t\r\n")
		value, isOption := strings.CutPrefix(rest, "=")
		if !isOption {
			if word == "" {
				return nil, fmt.Errorf("unexpected character at %d", len(text)-len(rest))
			}
			words = append(words, jaasWord{text: word})
			continue
		}
		v, left, err := jaasValue(strings.TrimLeft(value, " \t\r\n"))
		if err != nil {
			return nil, fmt.Errorf("option %s: %w", word, err)
		}
		words = append(words, jaasWord{word, v})
		rest = strings.TrimLeft(left, " \t\r\n")
	}
	if rest == "" {
		return nil, fmt.Errorf("a semicolon must end it")
	}
	if strings.TrimSpace(rest[1:]) != "" {
		return nil, fmt.Errorf("there is more than one login module")
	}
	return words, nil
}

// jaasValue reads a value and answers what is behind it.
func jaasValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		n := strings.IndexAny(text, " \t\r\n;")
		if n < 0 {
			n = len(text)
		}
		return text[:n], text[n:], nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], nil
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", fmt.Errorf("a quote is not closed")
}
