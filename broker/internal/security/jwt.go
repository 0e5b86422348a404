package security

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// TokenRules is what a token must say.
type TokenRules struct {
	Audience     []string      // sasl.oauthbearer.expected.audience: one of them; empty: any
	Issuer       string        // sasl.oauthbearer.expected.issuer; empty: any
	Skew         time.Duration // sasl.oauthbearer.clock.skew.seconds
	ScopeClaim   string        // sasl.oauthbearer.scope.claim.name
	SubjectClaim string        // sasl.oauthbearer.sub.claim.name
}

// Claims is what a valid token says.
type Claims struct {
	Subject string
	Scopes  []string
	Expires time.Time
}

// Keys finds the keys of an issuer.
type Keys interface {
	// Find answers the keys that may have signed with that id and algorithm; an empty id asks for all.
	Find(id, algorithm string) []PublicKey
}

// TokenValidator checks signed JSON web tokens. There is none without keys: NewTokenValidator refuses (CVE-2026-33557).
type TokenValidator struct {
	rules    TokenRules
	keys     Keys
	onRefuse func(error)
}

// NewTokenValidator checks tokens against keys; onRefuse hears why a token was refused, which clients do not.
func NewTokenValidator(rules TokenRules, keys Keys, onRefuse func(error)) (*TokenValidator, error) {
	if keys == nil {
		return nil, errors.New("OAUTHBEARER needs the keys of the issuer (sasl.oauthbearer.jwks.endpoint.url): without them every token would have to be believed")
	}
	if rules.ScopeClaim == "" || rules.SubjectClaim == "" {
		return nil, errors.New("the claims of scope and subject need names")
	}
	return &TokenValidator{rules, keys, onRefuse}, nil
}

func (v *TokenValidator) report(err error) {
	if v.onRefuse != nil {
		v.onRefuse(err)
	}
}

// Validate checks signature and claims. Only a signature by a key of the issuer counts: the algorithm "none", and those
// whose key is a shared secret, are no signatures (CVE-2026-110985).
func (v *TokenValidator) Validate(now time.Time, token string) (Claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return Claims{}, errors.New("the token is not signed: it has not three parts")
	}
	var header struct {
		Algorithm string          `json:"alg"`
		KeyID     string          `json:"kid"`
		Critical  json.RawMessage `json:"crit"`
	}
	if err := decodePart(parts[0], &header); err != nil {
		return Claims{}, fmt.Errorf("header: %w", err)
	}
	if header.Critical != nil {
		return Claims{}, errors.New("the header names critical extensions, and this broker knows none")
	}
	check, ok := algorithms[header.Algorithm]
	if !ok {
		return Claims{}, fmt.Errorf("algorithm %.16q is not accepted", header.Algorithm)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(signature) == 0 {
		return Claims{}, errors.New("the signature is missing or malformed")
	}
	signed := []byte(token[:len(token)-len(parts[2])-1])
	if !slices.ContainsFunc(v.keys.Find(header.KeyID, header.Algorithm), func(k PublicKey) bool { return check(k.Key, signed, signature) }) {
		return Claims{}, errors.New("no key of the issuer made the signature")
	}
	var claims map[string]any
	if err := decodePart(parts[1], &claims); err != nil {
		return Claims{}, fmt.Errorf("claims: %w", err)
	}
	return v.rules.check(now, claims)
}

func decodePart(part string, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return errors.New("it is not base64url")
	}
	if err := json.Unmarshal(text, into); err != nil {
		return errors.New("it is not a JSON object")
	}
	return nil
}

// check looks at the claims of a token whose signature is good.
func (r TokenRules) check(now time.Time, claims map[string]any) (Claims, error) {
	expires, ok := claimTime(claims, "exp")
	if !ok {
		return Claims{}, errors.New("exp is missing")
	}
	issued, ok := claimTime(claims, "iat")
	if !ok {
		return Claims{}, errors.New("iat is missing")
	}
	from, ok := claimTime(claims, "nbf")
	if _, there := claims["nbf"]; there && !ok {
		return Claims{}, errors.New("nbf is no time")
	}
	subject, _ := claims[r.SubjectClaim].(string)
	switch {
	case !now.Before(expires.Add(r.Skew)):
		return Claims{}, errors.New("the token has expired")
	case now.Before(issued.Add(-r.Skew)):
		return Claims{}, errors.New("the token was issued in the future")
	case ok && now.Before(from.Add(-r.Skew)):
		return Claims{}, errors.New("the token is not valid yet")
	case r.Issuer != "" && claims["iss"] != r.Issuer:
		return Claims{}, errors.New("the token is of another issuer")
	case len(r.Audience) > 0 && !r.forUs(claims["aud"]):
		return Claims{}, errors.New("the token is for another audience")
	case strings.TrimSpace(subject) == "":
		return Claims{}, fmt.Errorf("%s is missing", r.SubjectClaim)
	}
	scopes, err := scopesOf(claims[r.ScopeClaim])
	if err != nil {
		return Claims{}, fmt.Errorf("%s: %w", r.ScopeClaim, err)
	}
	return Claims{subject, scopes, expires.Add(r.Skew)}, nil
}

// claimTime reads seconds since 1970, which may have a fraction. Years beyond any clock are no time.
func claimTime(claims map[string]any, name string) (time.Time, bool) {
	seconds, ok := claims[name].(float64)
	if !ok || !(seconds >= 0 && seconds < 1<<40) {
		return time.Time{}, false
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), true
}

func (r TokenRules) forUs(audience any) bool {
	all, err := stringsOf(audience)
	return err == nil && slices.ContainsFunc(all, func(a string) bool { return slices.Contains(r.Audience, a) })
}

// scopesOf reads a claim that is one text with blanks or a list; a token may have none.
func scopesOf(claim any) ([]string, error) {
	if claim == nil {
		return nil, nil
	}
	all, err := stringsOf(claim)
	var out []string
	for _, s := range all {
		out = append(out, strings.Fields(s)...)
	}
	return out, err
}

func stringsOf(v any) ([]string, error) {
	switch v := v.(type) {
	case string:
		return []string{v}, nil
	case []any:
		out := make([]string, len(v))
		for i, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, errors.New("it holds something that is no text")
			}
			out[i] = s
		}
		return out, nil
	}
	return nil, errors.New("it is neither text nor a list of texts")
}
