package broker

import "github.com/mainstem-io/mainstem/broker/internal/security"

// open makes a listener's TLS and SASL.
func (g *guard) open(l listener) error {
	protocol := protocolOf(g.static, l.name)
	c := listenerConfig{g.layers.Load(), l.name}
	var t *security.TLS
	var offer *security.SASL
	var err error
	if protocol == "SSL" || protocol == "SASL_SSL" {
		if t, err = g.tls(c); err != nil {
			return err
		}
	}
	if protocol == "SASL_PLAINTEXT" || protocol == "SASL_SSL" {
		if offer, err = g.sasl(c); err != nil {
			return err
		}
	}
	g.gate.Listeners[l.name] = security.NewListener(t, offer)
	return nil
}

func (g *guard) tls(c listenerConfig) (*security.TLS, error) {
	cfg, err := c.tls()
	if err != nil {
		return nil, err
	}
	t, err := security.NewTLS(cfg)
	if err != nil {
		return nil, c.fault("", "ssl.keystore.location", "%v", err)
	}
	return t, nil
}

// sasl is what a listener offers.
func (g *guard) sasl(c listenerConfig) (*security.SASL, error) {
	names, lines, err := c.mechanisms()
	if err != nil {
		return nil, err
	}
	var all []security.Mechanism
	for _, m := range names {
		reauth := c.maxReauth(m)
		switch m {
		case security.Plain:
			all = append(all, security.NewPlain(lines[m].Users(), reauth))
		case security.ScramSHA256:
			all = append(all, g.scram.Mechanism(security.SHA256, reauth))
		case security.ScramSHA512:
			all = append(all, g.scram.Mechanism(security.SHA512, reauth))
		case security.OAuthBearer:
			v, err := g.validator(c)
			if err != nil {
				return nil, err
			}
			all = append(all, security.NewOAuth(v, reauth))
		}
	}
	return security.NewSASL(all...), nil
}

// validator checks bearer tokens. Without keys there is none, and the broker does not start (CVE-2026-33557).
func (g *guard) validator(c listenerConfig) (*security.TokenValidator, error) {
	if url := g.static.String("sasl.oauthbearer.jwks.endpoint.url"); g.keys == nil && url != "" {
		keys, err := security.NewKeySet(security.KeySetConfig{
			URL: url, Refresh: g.static.Milliseconds("sasl.oauthbearer.jwks.endpoint.refresh.ms"),
			Backoff:      g.static.Milliseconds("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms"),
			LongestRetry: g.static.Milliseconds("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms"), Logger: g.logger,
		})
		if err != nil {
			return nil, c.fault("", "sasl.oauthbearer.jwks.endpoint.url", "%v", err)
		}
		g.keys = keys
	}
	var keys security.Keys
	if g.keys != nil {
		keys = g.keys
	}
	v, err := security.NewTokenValidator(g.rules, keys, func(err error) { g.logger.Debug("a bearer token was refused", "reason", err) })
	if err != nil {
		return nil, c.fault("", "sasl.oauthbearer.jwks.endpoint.url", "%v", err)
	}
	return v, nil
}
