package security

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

// Store is a key store or a trust store: PEM text in a file, or in the configuration itself (KIP-651).
type Store struct {
	Type     string // PEM
	Location string // a file
	Password string // of the private key

	Key          string // PEM text instead of a file
	Certificates string
}

// stamp tells a file from its successor.
type stamp struct {
	path     string
	modified time.Time
	size     int64
}

func (s Store) stamps() []stamp {
	if s.Location == "" {
		return nil
	}
	info, err := os.Stat(s.Location)
	if err != nil {
		return []stamp{{path: s.Location}}
	}
	return []stamp{{s.Location, info.ModTime(), info.Size()}}
}

// text is the PEM text of the store, or "" when there is none.
func (s Store) text() (string, error) {
	switch s.Type {
	case "PEM", "":
	case "JKS", "PKCS12":
		return "", fmt.Errorf("type %s is not read: convert it with  openssl pkcs12 -in STORE.p12 -nodes -out STORE.pem  (a JKS first with keytool "+
			"-importkeystore -srckeystore STORE.jks -destkeystore STORE.p12 -deststoretype PKCS12), and set the type to PEM", s.Type)
	default:
		return "", fmt.Errorf("type %q is unknown: PEM is read", s.Type)
	}
	if s.Location == "" {
		return s.Certificates + "\n" + s.Key, nil
	}
	if s.Certificates != "" || s.Key != "" {
		return "", errors.New("there are a location and PEM text: only one may be set")
	}
	text, err := os.ReadFile(s.Location)
	return string(text), err
}

// Chain is the certificate chain with its private key.
func (s Store) Chain() (tls.Certificate, error) {
	text, err := s.text()
	if err != nil {
		return tls.Certificate{}, err
	}
	var chain tls.Certificate
	for rest := []byte(text); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		switch {
		case b.Type == "CERTIFICATE":
			chain.Certificate = append(chain.Certificate, b.Bytes)
		case chain.PrivateKey != nil:
			return chain, errors.New("there is more than one private key")
		default:
			if chain.PrivateKey, err = privateKey(b, s.Password); err != nil {
				return chain, err
			}
		}
	}
	if len(chain.Certificate) == 0 || chain.PrivateKey == nil {
		return chain, errors.New("a certificate chain and its private key are needed (ssl.keystore.location, or ssl.keystore.certificate.chain and ssl.keystore.key)")
	}
	if chain.Leaf, err = x509.ParseCertificate(chain.Certificate[0]); err != nil {
		return chain, err
	}
	return chain, matches(chain)
}

// matches makes sure that the key is the certificate's: crypto/tls would find out with the first client.
func matches(chain tls.Certificate) error {
	der, err := x509.MarshalPKCS8PrivateKey(chain.PrivateKey)
	if err != nil {
		return err
	}
	_, err = tls.X509KeyPair(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return err
}

// Pool is the certificates that are trusted; nil without any: the system's.
func (s Store) Pool() (*x509.CertPool, error) {
	text, err := s.text()
	if err != nil || s.Location == "" && s.Certificates == "" {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(text)) {
		return nil, errors.New("there is no certificate in it")
	}
	return pool, nil
}

// privateKey reads the kinds of keys that tools write.
func privateKey(b *pem.Block, password string) (any, error) {
	switch b.Type {
	case "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(b.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(b.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(b.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		der, err := decryptPKCS8(b.Bytes, password)
		if err != nil {
			return nil, err
		}
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, errWrongPassword
		}
		return key, nil
	}
	return nil, fmt.Errorf("a PEM block %q is neither a certificate nor a private key", b.Type)
}
