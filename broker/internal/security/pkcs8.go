package security

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the default hash of PBKDF2 in PKCS #5, here no signature
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"hash"
)

var errWrongPassword = errors.New("the private key cannot be decrypted: ssl.key.password is wrong or missing")

// Object identifiers of PKCS #5 version 2 (RFC 8018), as openssl and keytool write encrypted keys.
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}

	pbkdf2Hashes = map[string]func() hash.Hash{"1.2.840.113549.2.7": sha1.New, "1.2.840.113549.2.9": sha256.New, "1.2.840.113549.2.11": sha512.New}
	aesKeyBytes  = map[string]int{"2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32} // in CBC mode
)

// maxPBKDF2 bounds the work that a file may ask for.
const maxPBKDF2 = 10_000_000

// decryptPKCS8 opens an EncryptedPrivateKeyInfo: PBES2 with PBKDF2 and AES.
func decryptPKCS8(der []byte, password string) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	var scheme struct{ Derivation, Encryption pkix.AlgorithmIdentifier }
	var derivation struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		Hash       pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	var iv []byte
	for _, part := range []struct {
		der  func() []byte
		into any
	}{
		{func() []byte { return der }, &info},
		{func() []byte { return info.Algorithm.Parameters.FullBytes }, &scheme},
		{func() []byte { return scheme.Derivation.Parameters.FullBytes }, &derivation},
		{func() []byte { return scheme.Encryption.Parameters.FullBytes }, &iv},
	} {
		if _, err := asn1.Unmarshal(part.der(), part.into); err != nil {
			return nil, errors.New("the private key is encrypted in a way that is not read: convert it with  openssl pkcs8 -topk8 -v2 aes-256-cbc")
		}
	}
	h := sha1.New
	if oid := derivation.Hash.Algorithm; oid != nil {
		h = pbkdf2Hashes[oid.String()]
	}
	size := aesKeyBytes[scheme.Encryption.Algorithm.String()]
	if !info.Algorithm.Algorithm.Equal(oidPBES2) || !scheme.Derivation.Algorithm.Equal(oidPBKDF2) || h == nil || size == 0 ||
		len(iv) != aes.BlockSize || derivation.Iterations < 1 || derivation.Iterations > maxPBKDF2 || len(info.Data) == 0 || len(info.Data)%aes.BlockSize != 0 {
		return nil, errors.New("the private key is encrypted in a way that is not read: convert it with  openssl pkcs8 -topk8 -v2 aes-256-cbc")
	}
	key, err := pbkdf2.Key(h, password, derivation.Salt, derivation.Iterations, size)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(info.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, info.Data)
	padding := int(out[len(out)-1])
	if padding < 1 || padding > aes.BlockSize || padding > len(out) {
		return nil, errWrongPassword
	}
	return out[:len(out)-padding], nil
}
