package main

import (
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/internal/errcode"
	"github.com/mainstem-io/mainstem/schemaregistry"
)

// roles that a server can play. Every one but broker can run alone, against any Kafka.
var roles = []string{"broker", "registry"}

// parseRoles reads --roles.
func parseRoles(list []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, r := range list {
		if !slices.Contains(roles, r) {
			return nil, errcode.New(errcode.Usage, "--roles %s: some of %s", r, strings.Join(roles, ", "))
		}
		out[r] = true
	}
	if len(out) == 0 {
		return nil, errcode.New(errcode.Usage, "--roles is empty: some of %s", strings.Join(roles, ", "))
	}
	return out, nil
}

// registryOf prepares a schema registry beside a broker of this process; it speaks to it over TCP like any stranger,
// and feeds what the broker validates records with.
func registryOf(b *broker.Broker, v *schemaregistry.Validator, logger *slog.Logger) (*schemaregistry.Registry, error) {
	if first, _, _ := strings.Cut(b.Setting("listeners"), ","); !strings.HasPrefix(strings.TrimSpace(first), "PLAINTEXT://") && first != "" {
		return nil, &errcode.Error{
			Code: errcode.Usage, What: "the role registry beside a broker needs a PLAINTEXT listener as the first of listeners, which is " + first,
			Next: []string{"run it alone, with a login:  mainstem server --roles registry -b HOST:PORT -X sasl.mechanism=... -X tls=true"},
		}
	}
	security, err := registrySecurity(b.Setting("mainstem.registry.security.file"))
	if err != nil {
		return nil, err
	}
	return newRegistry(schemaregistry.Config{
		Brokers: []string{b.Addr()}, Listener: b.Setting("mainstem.registry.listener"), Security: security, Validator: v, Logger: logger,
	})
}

// registryAlone prepares a schema registry for a Kafka that runs elsewhere.
func (a *app) registryAlone(listener, securityFile string, logger *slog.Logger) (*schemaregistry.Registry, error) {
	opts, err := a.options(kgo.RetryTimeout(a.timeout))
	if err != nil {
		return nil, err
	}
	security, err := registrySecurity(securityFile)
	if err != nil {
		return nil, err
	}
	return newRegistry(schemaregistry.Config{Brokers: a.brokers, Client: opts, Listener: listener, Security: security, Logger: logger})
}

func newRegistry(cfg schemaregistry.Config) (*schemaregistry.Registry, error) {
	r, err := schemaregistry.New(cfg)
	if err != nil && !errors.Is(err, schemaregistry.ErrListen) {
		e := errcode.Wrap(errcode.ConfigFile, err)
		e.What = "the schema registry cannot start"
		return nil, e
	}
	if err != nil {
		e := errcode.Wrap(errcode.NetPortInUse, err)
		e.What, e.Next = "the schema registry cannot start", []string{"choose another address:  --set mainstem.registry.listener=:18081"}
		return nil, e
	}
	return r, nil
}
