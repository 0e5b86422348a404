package config

import "github.com/mainstem-io/mainstem/internal/configkey"

// saslKeys: sasl.
var saslKeys = []configkey.Key{
	{Name: "sasl.enabled.mechanisms", Type: configkey.List, Default: "GSSAPI", Change: configkey.Broker, Doc: "SASL mechanisms that clients may use."},
	{Name: "sasl.mechanism.inter.broker.protocol", Default: "GSSAPI", Change: configkey.Broker, Doc: "SASL mechanism between brokers."},
	{Name: "sasl.mechanism.controller.protocol", Default: "GSSAPI", Doc: "SASL mechanism to the controller."},
	{Name: "sasl.jaas.config", Type: configkey.Password, Null: true, Change: configkey.Broker, Doc: "Login of a listener and mechanism; users of PLAIN are listed here."},
	{Name: "sasl.server.max.receive.size", Type: configkey.Int, Default: "524288", Doc: "Largest request before a client has authenticated."},
	{Name: "sasl.kerberos.service.name", Null: true, Change: configkey.Broker, Doc: "Kerberos name of the broker."},
	{Name: "sasl.kerberos.principal.to.local.rules", Type: configkey.List, Default: "DEFAULT", Change: configkey.Broker, Doc: "How Kerberos principals become user names."},
	{Name: "sasl.oauthbearer.clock.skew.seconds", Type: configkey.Int, Default: "30", Doc: "Difference of clocks that is forgiven in a token's times."},
	{Name: "sasl.oauthbearer.expected.audience", Type: configkey.List, Doc: "Audiences that a token may name."},
	{Name: "sasl.oauthbearer.expected.issuer", Null: true, Doc: "The issuer that a token must name."},
	{Name: "sasl.oauthbearer.jwks.endpoint.refresh.ms", Type: configkey.Long, Default: "3600000", Doc: "How often the keys of the issuer are read again."},
	{Name: "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", Type: configkey.Long, Default: "10000", Doc: "Longest wait between two tries to read them."},
	{Name: "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", Type: configkey.Long, Default: "100", Doc: "First wait between two tries to read them."},
	{Name: "sasl.oauthbearer.jwks.endpoint.url", Null: true, Doc: "Where the keys of the issuer are. Without a key source the broker refuses to start."},
	{Name: "sasl.oauthbearer.scope.claim.name", Default: "scope", Doc: "The claim that holds the scope."},
	{Name: "sasl.oauthbearer.sub.claim.name", Default: "sub", Doc: "The claim that holds the subject."},
	{Name: "delegation.token.secret.key", Type: configkey.Password, Null: true, Doc: "Secret that signs delegation tokens; unset turns them off."},
	{Name: "delegation.token.max.lifetime.ms", Type: configkey.Long, Default: "604800000", Doc: "A delegation token cannot be renewed past this age."},
	{Name: "delegation.token.expiry.time.ms", Type: configkey.Long, Default: "86400000", Doc: "A delegation token that is not renewed ends after this time."},
	{Name: "delegation.token.expiry.check.interval.ms", Type: configkey.Long, Default: "3600000", Doc: "How often ended tokens are removed."},
}

// tlsKeys: tls.
var tlsKeys = []configkey.Key{
	{Name: "ssl.client.auth", Default: "none", OneOf: []string{"none", "requested", "required"}, Change: configkey.Broker, Doc: "Ask clients for a certificate: none, requested or required."},
	{Name: "ssl.enabled.protocols", Type: configkey.List, Default: "TLSv1.2,TLSv1.3", Change: configkey.Broker, Doc: "TLS versions that are spoken."},
	{Name: "ssl.cipher.suites", Type: configkey.List, Change: configkey.Broker, Doc: "Cipher suites of TLS 1.2; empty means the safe ones."},
	{Name: "ssl.endpoint.identification.algorithm", Default: "https", Change: configkey.Broker, Doc: "https checks the host name of a peer, empty does not."},
	{Name: "ssl.principal.mapping.rules", Default: "DEFAULT", Doc: "How a certificate's name becomes a user name."},
	{Name: "ssl.keystore.type", Default: "PEM", Change: configkey.Broker, Kafka: "JKS", Doc: "Format of the key store: PEM."},
	{Name: "ssl.keystore.location", Null: true, Change: configkey.Broker, Doc: "File with the certificate chain and private key."},
	{Name: "ssl.keystore.password", Type: configkey.Password, Null: true, Change: configkey.Broker, Doc: "Password of the key store."},
	{Name: "ssl.key.password", Type: configkey.Password, Null: true, Change: configkey.Broker, Doc: "Password of the private key."},
	{Name: "ssl.keystore.key", Type: configkey.Password, Null: true, Change: configkey.Broker, Doc: "The private key itself, in PEM."},
	{Name: "ssl.keystore.certificate.chain", Type: configkey.Password, Null: true, Change: configkey.Broker, Doc: "The certificate chain itself, in PEM."},
	{Name: "ssl.truststore.type", Default: "PEM", Change: configkey.Broker, Kafka: "JKS", Doc: "Format of the trust store: PEM."},
	{Name: "ssl.truststore.location", Null: true, Change: configkey.Broker, Doc: "File with the certificates that are trusted."},
	{Name: "ssl.truststore.password", Type: configkey.Password, Null: true, Change: configkey.Broker, Doc: "Password of the trust store."},
	{Name: "ssl.truststore.certificates", Type: configkey.Password, Null: true, Change: configkey.Broker, Doc: "The trusted certificates themselves, in PEM."},
	{Name: "ssl.allow.dn.changes", Type: configkey.Bool, Default: "false", Doc: "A new certificate may have another distinguished name."},
	{Name: "ssl.allow.san.changes", Type: configkey.Bool, Default: "false", Doc: "A new certificate may have other alternative names."},
}

// authorizerKeys: authorization.
var authorizerKeys = []configkey.Key{
	{Name: "authorizer.class.name", Doc: "Empty turns authorization off; Kafka's StandardAuthorizer names the built-in authorizer."},
	{Name: "super.users", Doc: "Users that may do everything, as User:a;User:b."},
	{Name: "allow.everyone.if.no.acl.found", Type: configkey.Bool, Default: "false", Doc: "Allow what no ACL speaks of."},
}
