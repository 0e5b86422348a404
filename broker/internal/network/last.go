package network

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// RespondLast answers after a while and hangs up behind the answer; nothing more is read from now on. It is for a failed
// authentication, whose delay makes guessing slow. Answers that are due before it still leave.
func (x *Exchange) RespondLast(after time.Duration, r kmsg.Response, reason error) {
	x.ending(after, func() {
		x.reason = reason
		x.Respond(r)
	})
}

// CloseAfter hangs up after a while.
func (x *Exchange) CloseAfter(after time.Duration, reason error) {
	x.ending(after, func() { x.Close(reason) })
}

func (x *Exchange) ending(after time.Duration, do func()) {
	x.Conn.hangup.Store(true)
	if after <= 0 {
		do()
		return
	}
	time.AfterFunc(after, do)
}

// last tells whether the connection ends behind this answer. Of one that is not pending any more.
func (x *Exchange) last() bool { return x.state == closing || x.reason != nil }
