package security

import (
	"strings"
	"time"
)

// NewOAuth is OAUTHBEARER (RFC 7628) with JSON web tokens.
func NewOAuth(v *TokenValidator, maxReauth time.Duration) Mechanism {
	return Mechanism{Name: OAuthBearer, MaxReauth: maxReauth, begin: func() exchange { return &oauthExchange{validator: v} }}
}

// oauthExchange takes a token and answers nothing. A token that is refused is answered with a status, which the client
// acknowledges with one byte 0x01 before the authentication fails.
type oauthExchange struct {
	validator *TokenValidator
	refused   bool
}

// invalidToken is what a client hears of a bad token; why it is bad is for the log alone.
const invalidToken = `{"status":"invalid_token"}`

func (e *oauthExchange) step(now time.Time, message []byte) ([]byte, *Identity, error) {
	if e.refused {
		if len(message) == 1 && message[0] == 1 {
			return nil, nil, refuse(invalidToken)
		}
		return nil, nil, errOAuthMessage
	}
	authzid, token, err := parseOAuth(string(message))
	if err != nil {
		return nil, nil, err
	}
	claims, err := e.validator.Validate(now, token)
	if err != nil {
		e.validator.report(err)
		e.refused = true
		return []byte(invalidToken), nil, nil
	}
	if authzid != "" && authzid != claims.Subject {
		return nil, nil, refuse("Authentication failed: Client requested an authorization id that is different from the token's principal name")
	}
	return []byte{}, &Identity{Principal: User(claims.Subject), Expires: claims.Expires}, nil
}

var errOAuthMessage = refuse("Authentication failed: the OAUTHBEARER message is malformed")

// parseOAuth reads
//
//	n,[a=authzid], 0x01 auth=Bearer <token> 0x01 [key=value 0x01]... 0x01
func parseOAuth(message string) (authzid, token string, err error) {
	header, rest, ok := strings.Cut(message, ",\x01")
	body, ended := strings.CutSuffix(rest, "\x01\x01")
	flag, authz, two := strings.Cut(header, ",")
	if !ok || !ended || !two || flag != "n" && flag != "y" {
		return "", "", errOAuthMessage
	}
	if authz != "" {
		text, found := strings.CutPrefix(authz, "a=")
		if authzid, ok = saslName(text); !found || !ok {
			return "", "", errOAuthMessage
		}
	}
	for pair := range strings.SplitSeq(body, "\x01") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return "", "", errOAuthMessage
		}
		if key != "auth" {
			continue
		}
		scheme, credential, _ := strings.Cut(value, " ")
		if token != "" || !strings.EqualFold(scheme, "bearer") {
			return "", "", errOAuthMessage
		}
		token = strings.TrimSpace(credential)
	}
	if token == "" {
		return "", "", errOAuthMessage
	}
	return authzid, token, nil
}
