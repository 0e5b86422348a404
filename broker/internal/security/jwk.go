package security

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes of algorithms
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// PublicKey is a key of an issuer.
type PublicKey struct {
	ID, Algorithm string // either may be empty: any
	Key           crypto.PublicKey
}

// algorithms are those that are accepted, all of them signatures by a private key. Each tells whether key signed text.
var algorithms = map[string]func(key crypto.PublicKey, text, signature []byte) bool{
	"RS256": rsaPKCS(crypto.SHA256), "RS384": rsaPKCS(crypto.SHA384), "RS512": rsaPKCS(crypto.SHA512),
	"PS256": rsaPSS(crypto.SHA256), "PS384": rsaPSS(crypto.SHA384), "PS512": rsaPSS(crypto.SHA512),
	"ES256": ecdsaSignature(crypto.SHA256, elliptic.P256()), "ES384": ecdsaSignature(crypto.SHA384, elliptic.P384()),
	"ES512": ecdsaSignature(crypto.SHA512, elliptic.P521()),
	"EdDSA": func(key crypto.PublicKey, text, signature []byte) bool {
		k, ok := key.(ed25519.PublicKey)
		return ok && ed25519.Verify(k, text, signature)
	},
}

func digest(h crypto.Hash, text []byte) []byte {
	d := h.New()
	d.Write(text)
	return d.Sum(nil)
}

func rsaPKCS(h crypto.Hash) func(crypto.PublicKey, []byte, []byte) bool {
	return func(key crypto.PublicKey, text, signature []byte) bool {
		k, ok := key.(*rsa.PublicKey)
		return ok && rsa.VerifyPKCS1v15(k, h, digest(h, text), signature) == nil
	}
}

func rsaPSS(h crypto.Hash) func(crypto.PublicKey, []byte, []byte) bool {
	return func(key crypto.PublicKey, text, signature []byte) bool {
		k, ok := key.(*rsa.PublicKey)
		return ok && rsa.VerifyPSS(k, h, digest(h, text), signature, nil) == nil
	}
}

// ecdsaSignature takes signatures as JWS has them: two numbers of the curve's size, one behind the other.
func ecdsaSignature(h crypto.Hash, curve elliptic.Curve) func(crypto.PublicKey, []byte, []byte) bool {
	size := (curve.Params().BitSize + 7) / 8
	return func(key crypto.PublicKey, text, signature []byte) bool {
		k, ok := key.(*ecdsa.PublicKey)
		if !ok || k.Curve != curve || len(signature) != 2*size {
			return false
		}
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return ecdsa.Verify(k, digest(h, text), r, s)
	}
}

// jsonKey is one key of a set (RFC 7517).
type jsonKey struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
	N         string `json:"n"`
	E         string `json:"e"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
}

// ParseKeySet reads a JWKS. Keys for encryption and kinds that sign nothing here are left out; a set without a key is
// an error.
func ParseKeySet(text []byte) ([]PublicKey, error) {
	var set struct {
		Keys []jsonKey `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("it is no JSON web key set: %w", err)
	}
	var keys []PublicKey
	var faults []error
	for _, k := range set.Keys {
		if k.Use != "" && k.Use != "sig" || k.Type == "oct" {
			continue
		}
		public, err := k.public()
		if err != nil {
			faults = append(faults, fmt.Errorf("key %q: %w", k.ID, err))
			continue
		}
		keys = append(keys, PublicKey{k.ID, k.Algorithm, public})
	}
	if len(keys) == 0 {
		return nil, errors.Join(append(faults, errors.New("the key set holds no key that signs"))...)
	}
	return keys, nil
}

func (k jsonKey) public() (crypto.PublicKey, error) {
	number := func(text string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			return nil
		}
		return b
	}
	switch k.Type {
	case "RSA":
		n, e := new(big.Int).SetBytes(number(k.N)), new(big.Int).SetBytes(number(k.E))
		if n.BitLen() < 2048 || n.BitLen() > 16384 || !e.IsInt64() || e.Int64() < 3 || e.Int64() > 1<<31-1 {
			return nil, errors.New("an RSA key has 2048 to 16384 bits")
		}
		return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
	case "EC":
		curve, ok := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Curve]
		if !ok {
			return nil, fmt.Errorf("unknown curve %q", k.Curve)
		}
		size := (curve.Params().BitSize + 7) / 8
		x, y := number(k.X), number(k.Y)
		if len(x) > size || len(y) > size {
			return nil, errors.New("its coordinates are too long")
		}
		point := make([]byte, 1+2*size)
		point[0] = 4
		copy(point[1+size-len(x):], x)
		copy(point[1+2*size-len(y):], y)
		return ecdsa.ParseUncompressedPublicKey(curve, point) // refuses a point that is not on the curve
	case "OKP":
		if x := number(k.X); k.Curve == "Ed25519" && len(x) == ed25519.PublicKeySize {
			return ed25519.PublicKey(x), nil
		}
	}
	return nil, fmt.Errorf("unknown kind %q", k.Type)
}
