package schemaregistry_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker/brokertest"
	"github.com/mainstem-io/mainstem/schemaregistry"
)

// secured runs a registry with security on a broker and answers its address.
func secured(t *testing.T, b *brokertest.Broker, s schemaregistry.Security) string {
	t.Helper()
	r, err := schemaregistry.New(schemaregistry.Config{Brokers: []string{b.Addr()}, Listener: "127.0.0.1:0", Client: []kgo.Opt{kgo.Dialer(b.Dial)}, Security: s})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1) // the registry's end, read once
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the registry ended with %v", err)
		}
	})
	return r.Addr()
}

// asking sends a request with an Authorization header.
func asking(t *testing.T, cl *http.Client, url, method, path, body, authorization string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if user, password, ok := strings.Cut(authorization, ":"); ok {
		req.SetBasicAuth(user, password)
	} else if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := cl.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(out), resp.Header
}

// TestSecurity: who is not known gets nothing, not even what is public; who is known gets what the rules say, however it asks.
func TestSecurity(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	url := "http://" + secured(t, b, schemaregistry.Security{
		Users:  []schemaregistry.Login{{Name: "root", Secret: "r"}, {Name: "ada", Secret: "a"}, {Name: "bob", Secret: "b"}},
		Tokens: []schemaregistry.Login{{Name: "ada", Secret: "t0k"}},
		Rules: []schemaregistry.Rule{
			{Who: "root", May: []schemaregistry.Operation{"read", "write", "delete", "configure"}, Subjects: []string{"*"}},
			{Who: "ada", May: []schemaregistry.Operation{"read", "write"}, Subjects: []string{"orders-*"}},
		},
	})
	shared := schema(v1)
	secret := schema(`{"type":"enum","name":"S","symbols":["x"]}`)
	uses := `{"schema":"{\"type\":\"record\",\"name\":\"U\",\"fields\":[{\"name\":\"s\",\"type\":\"S\"}]}","references":[{"name":"S","subject":"secret","version":1}]}`
	denied := func(op, subject string) string {
		return `{"error_code":40301,"message":"User is denied operation ` + op + ` on Subject: ` + subject + `"}`
	}
	const unauthorized = `{"error_code":401,"message":"Unauthorized"}`
	for _, c := range []struct {
		request, body, as string
		status            int
		want              string
	}{
		{"GET /", "", "", 401, unauthorized},
		{"GET /subjects", "", "", 401, unauthorized},
		{"GET /schemas/types", "", "ada:wrong", 401, unauthorized},
		{"GET /subjects", "", "Bearer nobody's", 401, unauthorized},
		{"GET /subjects", "", "Digest x", 401, unauthorized},
		{"POST /subjects/secret/versions", secret, "root:r", 200, `{"id":1}`},
		{"POST /subjects/orders-value/versions", shared, "ada:a", 200, `{"id":2}`},
		{"POST /subjects/also-secret/versions", shared, "root:r", 200, `{"id":2}`},
		{"GET /subjects", "", "root:r", 200, `["also-secret","orders-value","secret"]`},
		{"GET /subjects", "", "ada:a", 200, `["orders-value"]`},
		{"GET /subjects", "", "Bearer t0k", 200, `["orders-value"]`},
		{"GET /subjects", "", "bob:b", 200, `[]`},
		{"GET /schemas", "", "bob:b", 200, `[]`},
		{"GET /schemas/ids/1", "", "ada:a", 403, denied("read", "secret")},
		{"GET /schemas/ids/1/schema", "", "ada:a", 403, denied("read", "secret")},
		{"GET /schemas/ids/2/subjects", "", "ada:a", 200, `["orders-value"]`},
		{"GET /schemas/ids/2/versions", "", "bob:b", 403, denied("read", "also-secret")},
		{"GET /schemas/ids/2/schema", "", "ada:a", 200, v1},
		{"GET /subjects/secret/versions", "", "ada:a", 403, denied("read", "secret")},
		{"GET /subjects/nothing/versions", "", "ada:a", 403, denied("read", "nothing")},
		{"POST /subjects/secret", secret, "ada:a", 403, denied("read", "secret")},
		{"POST /subjects/secret/versions", secret, "ada:a", 403, denied("write", "secret")},
		{"POST /subjects/orders-key/versions", uses, "ada:a", 403, denied("read", "secret")},
		{"POST /compatibility/subjects/secret/versions/latest", secret, "ada:a", 403, denied("read", "secret")},
		{"DELETE /subjects/orders-value", "", "ada:a", 403, denied("delete", "orders-value")},
		{"PUT /config/orders-value", `{"alias":"secret"}`, "ada:a", 403, denied("configure", "orders-value")},
		{"PUT /config", `{"compatibility":"NONE"}`, "ada:a", 403, `{"error_code":40301,"message":"User is denied operation configure on this server."}`},
		{"GET /config", "", "ada:a", 200, `{"compatibilityLevel":"BACKWARD"}`},
		{"PUT /mode", `{"mode":"READONLY"}`, "ada:a", 403, `{"error_code":40301,"message":"User is denied operation configure on this server."}`},
		{"PUT /config/orders-alias", `{"alias":"secret"}`, "root:r", 200, `{"alias":"secret"}`},
		{"GET /subjects/orders-alias/versions/1", "", "ada:a", 403, denied("read", "secret")},
		{"GET /subjects/orders-alias/metadata", "", "ada:a", 403, denied("read", "secret")},
		{"DELETE /subjects/orders-value", "", "root:r", 200, `[1]`},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		status, got, header := asking(t, http.DefaultClient, url, method, path, c.body, c.as)
		if status != c.status || got != c.want {
			t.Errorf("%s as %q\n got %d %s\nwant %d %s", c.request, c.as, status, got, c.status, c.want)
		}
		if (status == 401) != (header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s as %q: WWW-Authenticate is %q", c.request, c.as, header.Get("WWW-Authenticate"))
		}
	}
}

// certificate makes a key pair that a CA has signed; the CA itself without one.
func certificate(t *testing.T, name string, ca *tls.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		IsCA: ca == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, any(key)
	if ca != nil {
		parent, signer = ca.Leaf, ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// TestCertificates name their clients; one of a stranger's CA does not get as far as a request.
func TestCertificates(t *testing.T) {
	t.Parallel()
	ca, stranger := certificate(t, "ca", nil), certificate(t, "stranger", nil)
	pool := x509.NewCertPool()
	pool.AddCert(ca.Leaf)
	url := "https://" + secured(t, brokertest.Start(t), schemaregistry.Security{
		TLS:          &tls.Config{Certificates: []tls.Certificate{certificate(t, "server", &ca)}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven, MinVersion: tls.VersionTLS12},
		Certificates: true, Rules: []schemaregistry.Rule{{Who: "svc", May: []schemaregistry.Operation{"write"}, Subjects: []string{"*"}}},
	})
	client := func(certs ...tls.Certificate) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost", Certificates: certs, MinVersion: tls.VersionTLS12}}}
	}
	for _, c := range []struct {
		name   string
		cl     *http.Client
		status int
	}{
		{"the service", client(certificate(t, "svc", &ca)), 200}, {"another", client(certificate(t, "other", &ca)), 403}, {"nobody", client(), 401},
	} {
		if status, got, _ := asking(t, c.cl, url, "POST", "/subjects/s/versions", schema(v1), ""); status != c.status {
			t.Errorf("%s: %d %s", c.name, status, got)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/subjects", nil)
	if err != nil {
		t.Fatal(err)
	}
	forced := client()
	forced.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c := certificate(t, "svc", &stranger)
		return &c, nil
	}
	if resp, err := forced.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("a stranger's certificate gets %d", resp.StatusCode)
	}
}

func TestSecurityThatCannotBe(t *testing.T) {
	t.Parallel()
	_, err := schemaregistry.New(schemaregistry.Config{Brokers: []string{"x:1"}, Listener: "127.0.0.1:0", Security: schemaregistry.Security{Users: []schemaregistry.Login{{Name: "a"}}}})
	if err == nil || !strings.Contains(err.Error(), "a needs a secret") {
		t.Error(err)
	}
}
