package security

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	return authority{cert, key}
}

func (a authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

func (a authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// issue answers a certificate and its key in PEM.
func (a authority) issue(t testing.TB, serial int64, name pkix.Name, dns ...string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: name, DNSNames: dns, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// keystore writes a store as Kafka's PEM files have it: key and chain in one file.
func keystore(t testing.TB, path, cert, key string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(key+cert), 0o600); err != nil {
		t.Fatal(err)
	}
}

// shake connects a client; answers the server's side, the serial of the server's certificate, and either error.
func shake(t testing.TB, s *TLS, client *tls.Config) (server net.Conn, serial int64, err error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		raw, err := l.Accept()
		if err != nil {
			done <- result{nil, err}
			return
		}
		t.Cleanup(func() { raw.Close() })
		c, err := s.Upgrade(raw)
		if err != nil {
			raw.Close() // as the network does
		}
		done <- result{c, err}
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	c := tls.Client(raw, client)
	err = c.Handshake()
	if err == nil {
		serial = c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	r := <-done
	return r.conn, serial, errors.Join(err, r.err)
}

func baseTLS(path string) TLSConfig {
	return TLSConfig{KeyStore: Store{Type: "PEM", Location: path}, ClientAuth: "none", Protocols: []string{"TLSv1.2", "TLSv1.3"}, HandshakeTimeout: 5 * time.Second}
}

func TestKeyStoresAreReadAgain(t *testing.T) {
	ca, path := newAuthority(t), filepath.Join(t.TempDir(), "keystore.pem")
	name := pkix.Name{CommonName: "broker"}
	cert, key := ca.issue(t, 1, name, "localhost")
	keystore(t, path, cert, key)
	s, err := NewTLS(baseTLS(path))
	if err != nil {
		t.Fatal(err)
	}
	client := &tls.Config{RootCAs: ca.pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12}
	serial := func() int64 {
		t.Helper()
		_, serial, err := shake(t, s, client)
		if err != nil {
			t.Fatal(err)
		}
		return serial
	}
	if serial() != 1 {
		t.Fatal("another certificate")
	}
	if changed, err := s.ReloadIfChanged(); changed || err != nil {
		t.Fatalf("nothing changed: %v %v", changed, err)
	}
	cert, key = ca.issue(t, 2, name, "localhost", "more")
	keystore(t, path, cert+"\n", key)
	if changed, err := s.ReloadIfChanged(); !changed || err != nil {
		t.Fatalf("changed %v, error %v", changed, err)
	}
	if serial() != 2 {
		t.Fatal("the old certificate is shown")
	}
	keystore(t, path, "garbage", "")
	if changed, err := s.ReloadIfChanged(); changed || err == nil {
		t.Fatal("garbage was taken")
	}
	if changed, err := s.ReloadIfChanged(); changed || err != nil {
		t.Fatalf("the same garbage is tried again: %v", err)
	}
	cert, key = ca.issue(t, 3, pkix.Name{CommonName: "somebody else"}, "localhost", "more")
	keystore(t, path, cert, key)
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "ssl.allow.dn.changes") {
		t.Fatalf("the certificate of somebody else was taken: %v", err)
	}
	cert, key = ca.issue(t, 4, name, "more")
	keystore(t, path, cert, key)
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "ssl.allow.san.changes") {
		t.Fatalf("a certificate without the old names was taken: %v", err)
	}
	if serial() != 2 {
		t.Fatal("a refused certificate is shown")
	}
}

func TestClientCertificates(t *testing.T) {
	ca, stranger, dir := newAuthority(t), newAuthority(t), t.TempDir()
	path := filepath.Join(dir, "keystore.pem")
	cert, key := ca.issue(t, 1, pkix.Name{CommonName: "broker"}, "localhost")
	keystore(t, path, cert, key)
	mapping, err := ParsePrincipalMap(`RULE:^CN=(.*?),OU=Users.*$/$1/L,DEFAULT`)
	if err != nil {
		t.Fatal(err)
	}
	load := func(a authority) tls.Certificate {
		c, k := a.issue(t, 5, pkix.Name{CommonName: "Alice", OrganizationalUnit: []string{"Users"}, Organization: []string{"Example"}})
		pair, err := tls.X509KeyPair([]byte(c), []byte(k))
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	known, unknown := load(ca), load(stranger)
	for _, c := range []struct {
		auth string
		cert *tls.Certificate
		want string // "": refused
	}{
		{"none", nil, "User:ANONYMOUS"}, {"none", &known, "User:ANONYMOUS"},
		{"requested", nil, "User:ANONYMOUS"}, {"requested", &known, "User:alice"}, {"requested", &unknown, ""},
		{"required", nil, ""}, {"required", &known, "User:alice"}, {"required", &unknown, ""},
	} {
		cfg := baseTLS(path)
		cfg.ClientAuth, cfg.Mapping, cfg.TrustStore = c.auth, mapping, Store{Type: "PEM", Certificates: ca.pem()}
		s, err := NewTLS(cfg)
		if err != nil {
			t.Fatal(err)
		}
		client := &tls.Config{RootCAs: ca.pool(), ServerName: "localhost", MinVersion: tls.VersionTLS12}
		client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if c.cert == nil {
				return &tls.Certificate{}, nil
			}
			return c.cert, nil
		}
		conn, _, err := shake(t, s, client)
		if (err == nil) != (c.want != "") {
			t.Errorf("client auth %s: %v", c.auth, err)
			continue
		}
		if err != nil {
			continue
		}
		if who, err := s.Principal(conn); err != nil || who.String() != c.want {
			t.Errorf("client auth %s: %v, %v; want %s", c.auth, who, err, c.want)
		}
	}
}

func TestOldProtocolsAreNotSpoken(t *testing.T) {
	ca, path := newAuthority(t), filepath.Join(t.TempDir(), "keystore.pem")
	cert, key := ca.issue(t, 1, pkix.Name{CommonName: "broker"}, "localhost")
	keystore(t, path, cert, key)
	for _, c := range []struct {
		enabled []string
		version uint16
		ok      bool
	}{
		{[]string{"TLSv1.2", "TLSv1.3"}, tls.VersionTLS11, false}, {[]string{"TLSv1.2", "TLSv1.3"}, tls.VersionTLS12, true},
		{[]string{"TLSv1.3"}, tls.VersionTLS12, false}, {[]string{"TLSv1.3"}, tls.VersionTLS13, true}, {[]string{"TLSv1.2"}, tls.VersionTLS13, false},
	} {
		cfg := baseTLS(path)
		cfg.Protocols = c.enabled
		s, err := NewTLS(cfg)
		if err != nil {
			t.Fatal(err)
		}
		client := &tls.Config{RootCAs: ca.pool(), ServerName: "localhost", MinVersion: c.version, MaxVersion: c.version}
		if _, _, err := shake(t, s, client); (err == nil) != c.ok {
			t.Errorf("%v, client speaks %x: %v", c.enabled, c.version, err)
		}
	}
	for _, bad := range [][]string{{"TLSv1.1"}, {"TLSv1"}, {"SSLv3"}, {}} {
		cfg := baseTLS(path)
		cfg.Protocols = bad
		if _, err := NewTLS(cfg); err == nil {
			t.Errorf("%v may be enabled", bad)
		}
	}
}

func TestStoresThatCannotBeUsed(t *testing.T) {
	ca, dir := newAuthority(t), t.TempDir()
	cert, key := ca.issue(t, 1, pkix.Name{CommonName: "a"}, "localhost")
	otherCert, _ := ca.issue(t, 2, pkix.Name{CommonName: "b"}, "localhost")
	path := filepath.Join(dir, "x.pem")
	keystore(t, path, cert, key)
	for name, s := range map[string]Store{
		"nothing":             {Type: "PEM"},
		"no file":             {Type: "PEM", Location: filepath.Join(dir, "nowhere")},
		"no key":              {Type: "PEM", Certificates: cert},
		"no certificate":      {Type: "PEM", Key: key},
		"another's key":       {Type: "PEM", Certificates: otherCert, Key: key},
		"two keys":            {Type: "PEM", Certificates: cert, Key: key + key},
		"file and text":       {Type: "PEM", Location: path, Key: key},
		"a Java key store":    {Type: "JKS", Location: path},
		"an unknown type":     {Type: "X", Location: path},
		"something else":      {Type: "PEM", Certificates: cert, Key: "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n"},
		"a key that is none":  {Type: "PEM", Certificates: cert, Key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
		"an encrypted no key": {Type: "PEM", Certificates: cert, Key: "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"},
	} {
		if _, err := s.Chain(); err == nil {
			t.Errorf("%s: it is a key store", name)
		}
	}
	if _, err := (Store{Type: "PEM", Certificates: cert, Key: key}).Chain(); err != nil {
		t.Errorf("PEM in the configuration: %v", err)
	}
}

// encrypt is what  openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256  makes of a key.
func encrypt(t testing.TB, keyPEM, password string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(keyPEM))
	salt, iv := []byte("saltsalt"), []byte("iviviviviviviviv")
	derived, err := pbkdf2.Key(sha256.New, password, salt, 2048, 32)
	if err != nil {
		t.Fatal(err)
	}
	c, err := aes.NewCipher(derived)
	if err != nil {
		t.Fatal(err)
	}
	pad := aes.BlockSize - len(block.Bytes)%aes.BlockSize
	plain := append(append([]byte{}, block.Bytes...), []byte(strings.Repeat(string(rune(pad)), pad))...)
	cipher.NewCBCEncrypter(c, iv).CryptBlocks(plain, plain)
	marshal := func(v any) asn1.RawValue {
		der, err := asn1.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return asn1.RawValue{FullBytes: der}
	}
	derivation := pkix.AlgorithmIdentifier{Algorithm: oidPBKDF2, Parameters: marshal(struct {
		Salt       []byte
		Iterations int
		Hash       pkix.AlgorithmIdentifier
	}{salt, 2048, pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}, Parameters: asn1.NullRawValue}})}
	encryption := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, Parameters: marshal(iv)}
	der, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}{pkix.AlgorithmIdentifier{Algorithm: oidPBES2, Parameters: marshal(struct{ A, B pkix.AlgorithmIdentifier }{derivation, encryption})}, plain})
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}))
}

func TestEncryptedKeys(t *testing.T) {
	cert, key := newAuthority(t).issue(t, 1, pkix.Name{CommonName: "a"})
	s := Store{Type: "PEM", Certificates: cert, Key: encrypt(t, key, "the password"), Password: "the password"}
	if _, err := s.Chain(); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", "the passwor"} {
		s.Password = wrong
		if _, err := s.Chain(); err == nil {
			t.Errorf("password %q opens it", wrong)
		}
	}
}
