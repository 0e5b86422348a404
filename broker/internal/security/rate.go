package security

import "time"

// rate counts something in windows, as Kafka's Rate over SampledStat: what lies further back than all windows is forgotten.
type rate struct {
	counts []float64 // a ring by number of the window
	newest int64     // number of the newest window
	used   time.Time
}

// windows is how a rate is measured: quota.window.num times quota.window.size.seconds.
type windows struct {
	count int
	size  time.Duration
}

func (w windows) all() time.Duration { return time.Duration(w.count) * w.size }

// advance forgets the windows that are over.
func (r *rate) advance(now time.Time, w windows) {
	at := now.UnixNano() / int64(w.size)
	if r.counts == nil {
		r.counts, r.newest = make([]float64, w.count), at
	}
	for n := max(r.newest+1, at-int64(w.count)+1); n <= at; n++ {
		r.counts[n%int64(w.count)] = 0
	}
	r.newest, r.used = max(r.newest, at), now
}

// add counts something, which may be less than nothing: a count that is taken back.
func (r *rate) add(now time.Time, w windows, amount float64) {
	r.advance(now, w)
	r.counts[r.newest%int64(w.count)] += amount
}

// over is how long nothing must be counted for the rate to be back at its limit; 0 when it is not above it. Windows that
// have not been yet count as empty ones, so that a burst after silence is not an offence.
func (r *rate) over(now time.Time, w windows, limit float64) time.Duration {
	r.advance(now, w)
	sum := 0.0
	for _, c := range r.counts {
		sum += c
	}
	elapsed := time.Duration(w.count-1)*w.size + time.Duration(now.UnixNano()%int64(w.size))
	elapsed = max(elapsed, w.size)
	observed := sum / elapsed.Seconds()
	if observed <= limit || limit <= 0 {
		return 0
	}
	return time.Duration((observed - limit) / limit * float64(elapsed))
}

// bucket is a token bucket, as Kafka's TokenBucket (KIP-599): it fills at the limit, holds at most as much as all windows
// would, and the last to draw may leave it below nothing.
type bucket struct {
	tokens float64
	filled time.Time
	used   time.Time
	fresh  bool // filled once
}

func (b *bucket) fill(now time.Time, w windows, limit float64) {
	burst := limit * w.all().Seconds()
	if !b.fresh {
		b.tokens, b.fresh = burst, true
	} else if d := now.Sub(b.filled); d > 0 {
		b.tokens += limit * d.Seconds()
	}
	b.tokens, b.filled, b.used = min(b.tokens, burst), now, now
}

// draw takes tokens, or answers how long to wait when there are none.
func (b *bucket) draw(now time.Time, w windows, limit, amount float64) time.Duration {
	b.fill(now, w, limit)
	if b.tokens < 0 {
		return b.wait(limit)
	}
	b.tokens -= amount
	return 0
}

// wait is the time until the bucket is at nothing again.
func (b *bucket) wait(limit float64) time.Duration {
	if b.tokens >= 0 || limit <= 0 {
		return 0
	}
	return time.Duration(-b.tokens / limit * float64(time.Second))
}
