package network

import "time"

// Pause is how long the peer took to ask for this after the last answer had left: its own work, and the way there and
// back. It is 0 when requests are pipelined, and before the first answer.
func (x *Exchange) Pause() time.Duration {
	answered := x.Conn.answered.Load()
	if answered == 0 {
		return 0
	}
	return max(0, time.Duration(x.received.UnixNano()-answered))
}
