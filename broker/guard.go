package broker

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// guard is who may enter: the security of all listeners, made from the configuration and kept in step with the metadata.
type guard struct {
	static    *config.Static
	listeners []listener
	logger    *slog.Logger
	now       func() time.Time

	gate  *security.Gate
	scram *security.Scram
	keys  *security.KeySet // of OAUTHBEARER; nil: no listener has it
	rules security.TokenRules

	layers atomic.Pointer[config.Broker]
	image  atomic.Pointer[metadata.Image]
}

// standardAuthorizer is the class name that stands for the built-in authorizer.
const standardAuthorizer = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"

// tlsWatch is how often key stores are looked at.
const tlsWatch = 5 * time.Second

// newGuard reads key stores and the like; every fault is told at once.
func newGuard(static *config.Static, listeners []listener, logger *slog.Logger, now func() time.Time) (*guard, error) {
	g := &guard{static: static, listeners: listeners, logger: logger, now: now}
	g.layers.Store(&config.Broker{Static: static})
	g.image.Store(metadata.Empty(""))
	g.gate = &security.Gate{
		Listeners: map[string]*security.Listener{}, Audit: security.NewAudit(logger, now),
		Tokens:           security.NewTokens(static.String("delegation.token.secret.key"), g.image.Load),
		FailedDelay:      static.Milliseconds("connection.failed.authentication.delay.ms"),
		TokenMaxLifetime: static.Milliseconds("delegation.token.max.lifetime.ms"), TokenExpiry: static.Milliseconds("delegation.token.expiry.time.ms"),
		Quotas: security.NewQuotas(security.QuotaConfig{
			Windows: int(static.Int("quota.window.num")), Window: time.Duration(static.Int("quota.window.size.seconds")) * time.Second,
			ControllerWindows: int(static.Int("controller.quota.window.num")),
			ControllerWindow:  time.Duration(static.Int("controller.quota.window.size.seconds")) * time.Second,
			ConnectionRate:    g.connectionRate,
		}),
	}
	g.scram = security.NewScram(func() security.Credentials { return g.image.Load() }, g.gate.Tokens)
	g.rules = security.TokenRules{
		Audience: static.Strings("sasl.oauthbearer.expected.audience"), Issuer: static.String("sasl.oauthbearer.expected.issuer"),
		Skew:       time.Duration(static.Int("sasl.oauthbearer.clock.skew.seconds")) * time.Second,
		ScopeClaim: static.String("sasl.oauthbearer.scope.claim.name"), SubjectClaim: static.String("sasl.oauthbearer.sub.claim.name"),
	}
	faults := []error{g.authorizer()}
	for _, l := range listeners {
		faults = append(faults, g.open(l))
	}
	return g, errors.Join(faults...)
}

// connectionRate is max.connection.creation.rate; 0 for no limit.
func (g *guard) connectionRate() float64 {
	if n := g.layers.Load().Int("max.connection.creation.rate"); n < 1<<31-1 {
		return float64(n)
	}
	return 0
}

func (g *guard) authorizer() error {
	switch class := g.static.String("authorizer.class.name"); class {
	case "":
		return nil
	case standardAuthorizer:
	default:
		return fault(g.static, "authorizer.class.name", "classes cannot be loaded; %s names the built-in authorizer", standardAuthorizer)
	}
	supers, err := security.ParsePrincipals(g.static.String("super.users"))
	if err != nil {
		return fault(g.static, "super.users", "%v", err)
	}
	g.gate.Authorizer = security.NewAuthorizer(supers, g.static.Bool("allow.everyone.if.no.acl.found"), g.gate.Audit)
	return nil
}

// take brings what clients may do in step with an image, before the image is shown.
func (g *guard) take(image *metadata.Image, changed bool) {
	g.image.Store(image)
	if !changed {
		return
	}
	if a := g.gate.Authorizer; a != nil {
		a.Update(image)
	}
	g.gate.Quotas.Update(image)
}

// configure takes dynamic changes: mechanisms, users of PLAIN, key stores. One that cannot be taken leaves what was.
func (g *guard) configure(layers *config.Broker) {
	g.layers.Store(layers)
	for _, l := range g.listeners {
		now, c := g.gate.Listeners[l.name], listenerConfig{layers, l.name}
		if now.SASL() != nil {
			if offer, err := g.sasl(c); err != nil {
				g.logger.Error("the new configuration of a listener is not taken", "listener", l.name, "error", err)
			} else {
				now.SetSASL(offer)
			}
		}
		if now.TLS == nil {
			continue
		}
		cfg, err := c.tls()
		if err == nil {
			err = now.TLS.Configure(cfg)
		}
		if err != nil {
			g.logger.Error("the new configuration of a listener is not taken", "listener", l.name, "error", err)
		}
	}
}

// admit is network.Config.Admit.
func (g *guard) admit(from netip.Addr) (refuse, pause time.Duration) {
	return g.gate.Quotas.Connect(g.now(), from)
}

// reload reads all key stores again.
func (g *guard) reload() error {
	var faults []error
	for _, l := range g.listeners {
		if t := g.gate.Listeners[l.name].TLS; t != nil {
			if err := t.Reload(); err != nil {
				faults = append(faults, err)
				continue
			}
			g.logger.Info("the key stores of a listener were read again", "listener", l.name)
		}
	}
	return errors.Join(faults...)
}

// run watches key stores, reads the keys of token issuers, and removes tokens that have ended.
func (g *guard) run(ctx context.Context, submit func(context.Context, cluster.Event) (cluster.Reply, error)) error {
	var group errgroup.Group
	if g.keys != nil {
		group.Go(func() error { return g.keys.Run(ctx) })
	}
	for _, l := range g.listeners {
		if t := g.gate.Listeners[l.name].TLS; t != nil {
			group.Go(func() error {
				every(ctx, tlsWatch, func() { g.watch(l.name, t) })
				return nil
			})
		}
	}
	if g.gate.Tokens != nil {
		group.Go(func() error {
			every(ctx, g.static.Milliseconds("delegation.token.expiry.check.interval.ms"), func() {
				if _, err := submit(ctx, cluster.ExpireTokens{}); err != nil && ctx.Err() == nil {
					g.logger.Warn("delegation tokens that have ended stay", "error", err)
				}
			})
			return nil
		})
	}
	return group.Wait()
}

func (g *guard) watch(name string, t *security.TLS) {
	switch changed, err := t.ReloadIfChanged(); {
	case err != nil:
		g.logger.Error("the changed key stores of a listener are not taken", "listener", name, "error", err)
	case changed:
		g.logger.Info("the key stores of a listener were read again", "listener", name)
	}
}

// every calls do at an interval until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	t := time.NewTicker(max(interval, time.Second))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			do()
		}
	}
}
