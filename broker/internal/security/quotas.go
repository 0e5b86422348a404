package security

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// QuotaConfig is how usage is measured.
type QuotaConfig struct {
	Windows           int            // quota.window.num
	Window            time.Duration  // quota.window.size.seconds
	ControllerWindows int            // controller.quota.window.num
	ControllerWindow  time.Duration  // controller.quota.window.size.seconds
	ConnectionRate    func() float64 // max.connection.creation.rate over all addresses; nil or 0: no limit
}

// Quotas keeps what clients use against what they may use. Without any quota in the metadata its questions cost one load.
type Quotas struct {
	cfg      QuotaConfig
	plain    windows
	mutation windows
	limits   atomic.Pointer[limits] // nil: there are none

	mu      sync.Mutex // guards the fields below
	rates   map[usage]*rate
	buckets map[entity]*bucket
	all     rate      // connections of everybody
	swept   time.Time // when idle usages were last looked for
}

// usage is whose rate of what.
type usage struct {
	kind QuotaKind
	who  entity
}

// maxUsages is when idle usages are forgotten: client ids come from clients.
const maxUsages = 10_000

// NewQuotas begins without limits.
func NewQuotas(cfg QuotaConfig) *Quotas {
	return &Quotas{
		cfg: cfg, plain: windows{max(cfg.Windows, 2), max(cfg.Window, time.Millisecond)},
		mutation: windows{max(cfg.ControllerWindows, 2), max(cfg.ControllerWindow, time.Millisecond)},
		rates:    map[usage]*rate{}, buckets: map[entity]*bucket{},
	}
}

// Update takes the quotas of an image. What was used so far still counts.
func (q *Quotas) Update(image *metadata.Image) { q.limits.Store(limitsOf(image)) }

// Active tells whether any quota is set.
func (q *Quotas) Active() bool { return q.limits.Load() != nil }

// Use counts an amount of what a client uses and answers how long it has to be held back: 0 when it is within its quota.
func (q *Quotas) Use(now time.Time, kind QuotaKind, user, client string, amount float64) time.Duration {
	l := q.limits.Load()
	if l == nil {
		return 0
	}
	limit, who, ok := l.of(kind, user, client)
	if !ok {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.rate(now, usage{kind, who})
	r.add(now, q.plain, amount)
	wait := r.over(now, q.plain, limit)
	if kind == RequestQuota { // a percentage of time can be overdrawn by much: Kafka holds back one window at most
		wait = min(wait, q.plain.size)
	}
	return wait
}

// TakeBack undoes Use for what was not given after all: a fetch that is held back is answered without records.
func (q *Quotas) TakeBack(now time.Time, kind QuotaKind, user, client string, amount float64) {
	q.Use(now, kind, user, client, -amount)
}

// Mutate draws from a client's controller mutations (KIP-599). Strict: nothing is drawn when there is nothing left, and
// wait says for how long. Otherwise everything is drawn, and the client is held back afterwards.
func (q *Quotas) Mutate(now time.Time, user, client string, mutations int, strict bool) (wait time.Duration, granted bool) {
	l := q.limits.Load()
	if l == nil {
		return 0, true
	}
	limit, who, ok := l.of(MutationQuota, user, client)
	if !ok {
		return 0, true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.buckets[who]
	if b == nil {
		q.forget(now)
		b = &bucket{}
		q.buckets[who] = b
	}
	wait = b.draw(now, q.mutation, limit, float64(mutations))
	if wait == 0 {
		if !strict {
			wait = b.wait(limit)
		}
		return wait, true
	}
	if strict {
		return wait, false
	}
	b.tokens -= float64(mutations)
	return b.wait(limit), true
}

// Connect counts a new connection. own is how long the address has gone over its limit, and such a connection is not
// served (KIP-612); everybody is how long no connection at all should be accepted.
func (q *Quotas) Connect(now time.Time, ip netip.Addr) (own, everybody time.Duration) {
	l, everyone := q.limits.Load(), 0.0
	if q.cfg.ConnectionRate != nil {
		everyone = q.cfg.ConnectionRate()
	}
	if l == nil && everyone <= 0 {
		return 0, 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if l != nil {
		if limit, who, ok := l.ofAddress(ip.String()); ok {
			r := q.rate(now, usage{ConnectionQuota, who})
			r.add(now, q.plain, 1)
			if own = r.over(now, q.plain, limit); own > 0 {
				r.add(now, q.plain, -1)
				return min(own, q.plain.all()), 0
			}
		}
	}
	if everyone > 0 {
		q.all.add(now, q.plain, 1)
		everybody = min(q.all.over(now, q.plain, everyone), q.plain.all())
	}
	return 0, everybody
}

// rate answers a usage's rate. The caller holds mu.
func (q *Quotas) rate(now time.Time, u usage) *rate {
	r := q.rates[u]
	if r == nil {
		q.forget(now)
		r = &rate{}
		q.rates[u] = r
	}
	return r
}

// forget drops, when there are many, usages that no window remembers. The caller holds mu.
func (q *Quotas) forget(now time.Time) {
	if len(q.rates)+len(q.buckets) < maxUsages || now.Sub(q.swept) < time.Second {
		return
	}
	q.swept = now
	for u, r := range q.rates {
		if now.Sub(r.used) > q.plain.all() {
			delete(q.rates, u)
		}
	}
	for e, b := range q.buckets {
		if now.Sub(b.used) > q.mutation.all() {
			delete(q.buckets, e)
		}
	}
}
