package broker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/security"
	"github.com/mainstem-io/mainstem/internal/configkey"
)

// listenerConfig reads the keys of one listener. A key with the listener's prefix overrides the one without, and one with
// the mechanism behind the prefix overrides both:
//
//	listener.name.external.scram-sha-512.connections.max.reauth.ms
//	listener.name.external.connections.max.reauth.ms
//	connections.max.reauth.ms
type listenerConfig struct {
	layers *config.Broker
	name   string
}

func (c listenerConfig) prefix() string { return "listener.name." + strings.ToLower(c.name) + "." }

// value is the value of a key in force, and the name that it was found under.
func (c listenerConfig) value(mechanism, key string) (value, name string) {
	names := []string{c.prefix() + key, key}
	if mechanism != "" {
		names = slices.Insert(names, 0, c.prefix()+strings.ToLower(mechanism)+"."+key)
	}
	for _, n := range names {
		for _, layer := range []map[string]string{c.layers.Own, c.layers.Cluster} {
			if v, ok := layer[n]; ok {
				return v, n
			}
		}
		if v, set := c.layers.Static.Lookup(n); set {
			return v, n
		}
	}
	v, _ := c.layers.Static.Lookup(key)
	return v, key
}

func (c listenerConfig) text(key string) string {
	v, _ := c.value("", key)
	return v
}

func (c listenerConfig) list(key string) []string { return configkey.SplitList(c.text(key)) }

func (c listenerConfig) yes(key string) bool { return strings.EqualFold(c.text(key), "true") }

// fault is an error about a key of the listener, under the name that somebody set.
func (c listenerConfig) fault(mechanism, key, format string, args ...any) error {
	_, name := c.value(mechanism, key)
	return fault(c.layers.Static, name, "listener %s: %s", c.name, fmt.Sprintf(format, args...))
}

// longestReauth is some 292 years, in milliseconds: a duration cannot be longer.
const longestReauth = int64(1<<63-1) / int64(time.Millisecond)

// maxReauth is connections.max.reauth.ms of a mechanism.
func (c listenerConfig) maxReauth(mechanism string) time.Duration {
	v, _ := c.value(mechanism, "connections.max.reauth.ms")
	ms, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64) // the loader has checked it
	return max(0, time.Duration(min(ms, longestReauth))*time.Millisecond)
}

// tls is how the listener speaks TLS, without its logger.
func (c listenerConfig) tls() (security.TLSConfig, error) {
	mapping, err := security.ParsePrincipalMap(c.text("ssl.principal.mapping.rules"))
	if err != nil {
		return security.TLSConfig{}, c.fault("", "ssl.principal.mapping.rules", "%v", err)
	}
	password := c.text("ssl.key.password")
	if password == "" {
		password = c.text("ssl.keystore.password")
	}
	return security.TLSConfig{
		KeyStore: security.Store{
			Type: c.text("ssl.keystore.type"), Location: c.text("ssl.keystore.location"), Password: password,
			Key: c.text("ssl.keystore.key"), Certificates: c.text("ssl.keystore.certificate.chain"),
		},
		TrustStore: security.Store{
			Type: c.text("ssl.truststore.type"), Location: c.text("ssl.truststore.location"), Certificates: c.text("ssl.truststore.certificates"),
		},
		ClientAuth: c.text("ssl.client.auth"), Protocols: c.list("ssl.enabled.protocols"), CipherSuites: c.list("ssl.cipher.suites"),
		Mapping: mapping, AllowDNChanges: c.yes("ssl.allow.dn.changes"), AllowSANChanges: c.yes("ssl.allow.san.changes"),
		HandshakeTimeout: handshakeTimeout,
	}, nil
}

// handshakeTimeout bounds a TLS handshake, beside the network's own bound for a request.
const handshakeTimeout = 30 * time.Second

// mechanisms are the enabled ones with their login lines, checked.
func (c listenerConfig) mechanisms() ([]string, map[string]security.JAAS, error) {
	names := c.list("sasl.enabled.mechanisms")
	lines := map[string]security.JAAS{}
	if len(names) == 0 {
		return nil, nil, c.fault("", "sasl.enabled.mechanisms", "a SASL listener needs a mechanism")
	}
	for _, m := range names {
		switch m {
		case security.Plain, security.ScramSHA256, security.ScramSHA512, security.OAuthBearer:
		case "GSSAPI":
			return nil, nil, c.fault("", "sasl.enabled.mechanisms", "GSSAPI is not served: set PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER")
		default:
			return nil, nil, c.fault("", "sasl.enabled.mechanisms", "%s is no mechanism", m)
		}
		text, name := c.value(m, "sasl.jaas.config")
		if name == "sasl.jaas.config" || text == "" { // without a prefix it is a client's line
			if m == security.Plain {
				return nil, nil, c.fault(m, "sasl.jaas.config", "PLAIN needs its users in %splain.sasl.jaas.config", c.prefix())
			}
			continue // SCRAM's users are in the metadata log, and OAUTHBEARER's keys have a key of their own
		}
		line, err := security.ParseJAAS(text)
		if err == nil {
			err = line.Check(m)
		}
		if err != nil {
			return nil, nil, c.fault(m, "sasl.jaas.config", "%v", err)
		}
		lines[m] = line
	}
	return names, lines, nil
}

// checkLoginLine refuses a login line of another module than Kafka's own in a dynamic change too (CVE-2023-25194).
func checkLoginLine(key, value string) error {
	if !strings.HasSuffix(key, "sasl.jaas.config") {
		return nil
	}
	if _, err := security.ParseJAAS(value); err != nil {
		return fmt.Errorf("Invalid value for configuration %s: %w", key, err) //nolint:revive // Kafka's words
	}
	return nil
}
