package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// clientOptions are what -X takes; each may come from the environment instead, as MAINSTEM_SASL_USERNAME.
var clientOptions = [][2]string{
	{"client.id", "name of this client in the broker's logs and quotas (default mainstem)"},
	{"sasl.mechanism", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"},
	{"sasl.username", "user"},
	{"sasl.password", "password; better in MAINSTEM_SASL_PASSWORD than on a command line"},
	{"tls", "true: speak TLS and trust the system's authorities"},
	{"tls.ca", "file with the authorities to trust instead"},
}

// options are the client's settings from the global flags.
func (a *app) options(extra ...kgo.Opt) ([]kgo.Opt, error) {
	set := map[string]string{"client.id": "mainstem"}
	for _, o := range clientOptions {
		if v := a.env.Getenv(envName(strings.ReplaceAll(o[0], ".", "-"))); v != "" { // MAINSTEM_SASL_PASSWORD and the like
			set[o[0]] = v
		}
	}
	for _, x := range a.x {
		key, value, ok := strings.Cut(x, "=")
		if x == "list" || x == "help" {
			var list strings.Builder
			for _, o := range clientOptions {
				fmt.Fprintf(&list, "\n  %-16s %s", o[0], o[1])
			}
			return nil, errcode.New(errcode.Usage, "client options of -X:%s", list.String())
		}
		if !ok || !knownOption(key) {
			return nil, &errcode.Error{Code: errcode.Usage, What: fmt.Sprintf("-X %s is no client option", x), Next: []string{"mainstem topic list -X list"}}
		}
		set[key] = value
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(a.brokers...), kgo.ClientID(set["client.id"]), kgo.SoftwareNameAndVersion("mainstem", softwareVersion()),
		kgo.DialTimeout(min(a.timeout, 10*time.Second)), kgo.RequestRetries(3), kgo.RetryTimeout(a.timeout), kgo.MetadataMinAge(100 * time.Millisecond),
	}
	tlsOpts, err := transport(set)
	if err != nil {
		return nil, err
	}
	auth, err := authentication(set)
	if err != nil {
		return nil, err
	}
	return append(append(append(opts, tlsOpts...), auth...), extra...), nil
}

func knownOption(key string) bool {
	for _, o := range clientOptions {
		if o[0] == key {
			return true
		}
	}
	return false
}

// softwareVersion fits the characters that ApiVersions allows (KIP-511).
func softwareVersion() string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, version), "-.")
}

func transport(set map[string]string) ([]kgo.Opt, error) {
	if set["tls"] != "true" && set["tls.ca"] == "" {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca := set["tls.ca"]; ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, errcode.Wrap(errcode.NetTLS, fmt.Errorf("read tls.ca: %w", err))
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errcode.New(errcode.NetTLS, "%s holds no certificate", ca)
		}
	}
	return []kgo.Opt{kgo.DialTLSConfig(cfg)}, nil
}

func authentication(set map[string]string) ([]kgo.Opt, error) {
	user, pass := set["sasl.username"], set["sasl.password"]
	switch strings.ToUpper(set["sasl.mechanism"]) {
	case "":
		return nil, nil
	case "PLAIN":
		return []kgo.Opt{kgo.SASL(plain.Auth{User: user, Pass: pass}.AsMechanism())}, nil
	case "SCRAM-SHA-256":
		return []kgo.Opt{kgo.SASL(scram.Auth{User: user, Pass: pass}.AsSha256Mechanism())}, nil
	case "SCRAM-SHA-512":
		return []kgo.Opt{kgo.SASL(scram.Auth{User: user, Pass: pass}.AsSha512Mechanism())}, nil
	}
	return nil, errcode.New(errcode.AuthMechanism, "-X sasl.mechanism=%s: this client speaks PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512", set["sasl.mechanism"])
}

// client makes a Kafka client; the caller closes it.
func (a *app) client(extra ...kgo.Opt) (*kgo.Client, error) {
	opts, err := a.options(extra...)
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(opts...)
}

// admin runs do with an admin client, within --timeout.
func (a *app) admin(ctx context.Context, do func(ctx context.Context, adm *kadm.Client) error) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if err := a.reach(ctx, cl); err != nil {
		return err
	}
	adm := kadm.NewClient(cl)
	adm.SetTimeoutMillis(int32(min(a.timeout, time.Hour).Milliseconds()))
	return do(ctx, adm)
}

// reach makes sure that some broker answers, and says which were tried when none does.
func (a *app) reach(ctx context.Context, cl *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, min(a.timeout, 10*time.Second))
	defer cancel()
	if err := cl.Ping(ctx); err != nil && ctx.Err() == nil {
		e := classify(err)
		if e.Code.ID == errcode.NetUnreachable.ID || e.Code.ID == errcode.Failed.ID {
			return &errcode.Error{Code: errcode.NetUnreachable, Tried: strings.Join(a.brokers, ", "), Err: err}
		}
		return e
	} else if err != nil {
		return &errcode.Error{Code: errcode.NetUnreachable, Tried: strings.Join(a.brokers, ", "), Err: err}
	}
	return nil
}
