package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"github.com/mainstem-io/mainstem/internal/errcode"
	"github.com/mainstem-io/mainstem/schemaregistry"
)

// securityFile is mainstem.registry.security.file:
//
//	tls:                       # absent: plain HTTP
//	  certificate: server.pem
//	  key: server.key
//	  client-ca: clients.pem   # certificates of it name clients by their common name
//	  client-required: false   # true: nobody without one gets as far as a request
//	users:                     # HTTP basic
//	  - {name: ada, secret: pw}
//	  - {name: bob, secret-sha256: 9f86d0...}
//	tokens:                    # bearer
//	  - {name: ci, secret: t0k}
//	rules:                     # absent: everybody who is known may do everything
//	  - {who: ada, may: [read, write], subjects: [orders-*]}
//
// Names of files are relative to it.
type securityFile struct {
	TLS *struct {
		Certificate    string `yaml:"certificate"`
		Key            string `yaml:"key"`
		ClientCA       string `yaml:"client-ca"`
		ClientRequired bool   `yaml:"client-required"`
	} `yaml:"tls"`
	Users  []loginEntry `yaml:"users"`
	Tokens []loginEntry `yaml:"tokens"`
	Rules  []struct {
		Who      string                     `yaml:"who"`
		May      []schemaregistry.Operation `yaml:"may"`
		Subjects []string                   `yaml:"subjects"`
	} `yaml:"rules"`
}

type loginEntry struct {
	Name         string `yaml:"name"`
	Secret       string `yaml:"secret"`
	SecretSHA256 string `yaml:"secret-sha256"`
}

// registrySecurity reads the file; without one everybody is let in.
func registrySecurity(path string) (out schemaregistry.Security, err error) {
	if path == "" {
		return out, nil
	}
	if out, err = readSecurity(path); err != nil {
		e := errcode.Wrap(errcode.ConfigFile, err)
		e.What = "mainstem.registry.security.file=" + path + " cannot be used"
		return out, e
	}
	return out, nil
}

func readSecurity(path string) (out schemaregistry.Security, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return out, err
	}
	var f securityFile
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return out, err
	}
	for _, u := range f.Users {
		out.Users = append(out.Users, schemaregistry.Login(u))
	}
	for _, t := range f.Tokens {
		out.Tokens = append(out.Tokens, schemaregistry.Login(t))
	}
	for _, r := range f.Rules {
		out.Rules = append(out.Rules, schemaregistry.Rule(r))
	}
	if f.TLS == nil {
		return out, nil
	}
	at := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(filepath.Dir(path), name)
	}
	pair, err := tls.LoadX509KeyPair(at(f.TLS.Certificate), at(f.TLS.Key))
	if err != nil {
		return out, err
	}
	out.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if f.TLS.ClientCA == "" {
		return out, nil
	}
	if out.TLS.ClientCAs, err = pemPool(at(f.TLS.ClientCA)); err != nil {
		return out, err
	}
	out.Certificates, out.TLS.ClientAuth = true, tls.VerifyClientCertIfGiven
	if f.TLS.ClientRequired {
		out.TLS.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return out, nil
}

func pemPool(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", path)
	}
	return pool, nil
}
