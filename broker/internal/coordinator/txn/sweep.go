package txn

import (
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
)

// Timers of the two sweeps.
var (
	abortKey  = coordinator.TimerKey{Kind: "abort"}
	expireKey = coordinator.TimerKey{Kind: "expire"}
)

func (d *decision) timeUp(key coordinator.TimerKey) {
	switch key {
	case abortKey:
		d.sweep(key, d.cfg.AbortCheck, d.abortSlow)
	case expireKey:
		d.sweep(key, d.cfg.ExpireCheck, d.expire)
	}
}

// sweep looks at every id; what does not fit into one batch follows at once.
func (d *decision) sweep(key coordinator.TimerKey, after time.Duration, look func(id string, v *Value)) {
	for _, id := range sortedKeys(d.ids) {
		if d.full() {
			after = 1
			break
		}
		look(id, d.ids[id])
	}
	d.out.Timers = append(d.out.Timers, coordinator.Timer{Key: key, After: max(after, 1)})
}

// abortSlow aborts a transaction that is open for longer than its producer said (TXN-8).
func (d *decision) abortSlow(id string, v *Value) {
	if v.State == Ongoing && d.millis() >= v.Started+int64(v.Timeout) {
		d.fence(id, v)
	}
}

// expire forgets an id that nobody used for long.
func (d *decision) expire(id string, v *Value) {
	if (v.State == Empty || v.State.complete()) && d.millis() >= v.Updated+d.cfg.Expiration.Milliseconds() {
		d.write(id, nil)
	}
}
