package security

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// TLSConfig is how a listener speaks TLS; the fields are named after Kafka's keys.
type TLSConfig struct {
	KeyStore   Store // ssl.keystore.*
	TrustStore Store // ssl.truststore.*; its key is not used

	ClientAuth   string        // ssl.client.auth: none, requested, required
	Protocols    []string      // ssl.enabled.protocols: TLSv1.2, TLSv1.3
	CipherSuites []string      // ssl.cipher.suites of TLS 1.2; empty: the safe ones
	Mapping      *PrincipalMap // ssl.principal.mapping.rules

	AllowDNChanges  bool // ssl.allow.dn.changes
	AllowSANChanges bool // ssl.allow.san.changes

	HandshakeTimeout time.Duration
}

// TLS secures the connections of a listener with the newest key store. Make it with NewTLS.
type TLS struct {
	mu      sync.Mutex // held by whoever replaces current
	current atomic.Pointer[loaded]
}

// loaded is one state of the configuration and its stores.
type loaded struct {
	cfg    TLSConfig
	config *tls.Config
	leaf   *x509.Certificate
	stamps []stamp // of the files, to see that they changed
}

// NewTLS reads the stores; what is wrong with them is an error.
func NewTLS(cfg TLSConfig) (*TLS, error) {
	l, err := load(cfg)
	if err != nil {
		return nil, err
	}
	t := &TLS{}
	t.current.Store(l)
	return t, nil
}

// versions are the protocol versions that are served: older ones are broken, and crypto/tls would serve them only by request.
var versions = map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}

func load(cfg TLSConfig) (*loaded, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12} // widened below
	for _, p := range cfg.Protocols {
		v, ok := versions[p]
		if !ok {
			return nil, fmt.Errorf("ssl.enabled.protocols: %s is not served, TLSv1.2 and TLSv1.3 are", p)
		}
		c.MinVersion, c.MaxVersion = min(c.MinVersion, v), max(c.MaxVersion, v)
	}
	if len(cfg.Protocols) == 0 {
		return nil, errors.New("ssl.enabled.protocols: there is none")
	}
	for _, name := range cfg.CipherSuites {
		i := slices.IndexFunc(tls.CipherSuites(), func(s *tls.CipherSuite) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("ssl.cipher.suites: %s is unknown or not safe", name)
		}
		c.CipherSuites = append(c.CipherSuites, tls.CipherSuites()[i].ID)
	}
	stamps := cfg.stamps()
	chain, err := cfg.KeyStore.Chain()
	if err != nil {
		return nil, fmt.Errorf("ssl.keystore: %w", err)
	}
	c.Certificates = []tls.Certificate{chain}
	if err := cfg.clientAuth(c); err != nil {
		return nil, err
	}
	return &loaded{cfg, c, chain.Leaf, stamps}, nil
}

// clientAuth asks clients for certificates. A certificate that is given is always checked.
func (cfg TLSConfig) clientAuth(c *tls.Config) error {
	switch cfg.ClientAuth {
	case "none", "":
		c.ClientAuth = tls.NoClientCert
		return nil
	case "requested":
		c.ClientAuth = tls.VerifyClientCertIfGiven
	case "required":
		c.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return fmt.Errorf("ssl.client.auth: %q is none of none, requested, required", cfg.ClientAuth)
	}
	pool, err := cfg.TrustStore.Pool()
	if err != nil {
		return fmt.Errorf("ssl.truststore: %w", err)
	}
	c.ClientCAs = pool // nil: the system's authorities
	return nil
}

// Upgrade shakes hands on an accepted connection. It is network.Listener.Upgrade.
func (t *TLS) Upgrade(c net.Conn) (net.Conn, error) {
	l := t.current.Load()
	secured := tls.Server(c, l.config)
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.HandshakeTimeout)
	defer cancel()
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secured, nil
}

// Principal is who a connection's certificate names; Anonymous without one.
func (t *TLS) Principal(c net.Conn) (Principal, error) {
	secured, ok := c.(*tls.Conn)
	if !ok {
		return Principal{}, errors.New("the connection speaks no TLS")
	}
	certs := secured.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return Anonymous, nil
	}
	name, err := DistinguishedName(certs[0])
	if err != nil {
		return Principal{}, err
	}
	user, err := t.current.Load().cfg.Mapping.Apply(name)
	if err != nil {
		return Principal{}, err
	}
	return User(user), nil
}

// Reload reads the stores again. New connections get what it found; an error leaves everything as it is.
func (t *TLS) Reload() error { return t.Configure(t.current.Load().cfg) }

// Configure takes another configuration with its stores, under the same rule.
func (t *TLS) Configure(cfg TLSConfig) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	next, err := load(cfg)
	if err != nil {
		return err
	}
	if err := cfg.compatible(t.current.Load().leaf, next.leaf); err != nil {
		return err
	}
	t.current.Store(next)
	return nil
}

// compatible refuses a certificate of somebody else: peers that check the name would turn away (as Kafka's SslFactory).
func (cfg TLSConfig) compatible(old, next *x509.Certificate) error {
	if !cfg.AllowDNChanges && old.Subject.String() != next.Subject.String() {
		return fmt.Errorf("ssl.keystore: the certificate names %s instead of %s; ssl.allow.dn.changes=true would take it", next.Subject, old.Subject)
	}
	if cfg.AllowSANChanges {
		return nil
	}
	have := alternativeNames(next)
	for _, name := range alternativeNames(old) {
		if !slices.Contains(have, name) {
			return fmt.Errorf("ssl.keystore: the certificate lacks the name %s of the last one; ssl.allow.san.changes=true would take it", name)
		}
	}
	return nil
}

func alternativeNames(c *x509.Certificate) []string {
	out := slices.Concat(c.DNSNames, c.EmailAddresses)
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	for _, u := range c.URIs {
		out = append(out, u.String())
	}
	return out
}

// ReloadIfChanged reads the stores again when one of their files is another than it was. It answers whether it did.
func (t *TLS) ReloadIfChanged() (bool, error) {
	l := t.current.Load()
	now := l.cfg.stamps()
	if slices.Equal(now, l.stamps) {
		return false, nil
	}
	if err := t.Reload(); err != nil {
		seen := *l // tried once: the next change is worth the next try
		seen.stamps = now
		t.current.CompareAndSwap(l, &seen)
		return false, err
	}
	return true, nil
}

// stamps are those of the files, taken before they are read: a change in between is seen the next time.
func (cfg TLSConfig) stamps() []stamp {
	return append(cfg.KeyStore.stamps(), cfg.TrustStore.stamps()...)
}
