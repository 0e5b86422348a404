package replica

// waiter is an append that waits to be acknowledged.
type waiter struct {
	end int64 // acknowledged when everything below is safe
	all bool  // on all in-sync replicas (the high watermark), else durable here
	ack Ack
}

// ackQueue holds the waiters of a partition. Appends come in offset order, so each of the two lists is sorted but for
// duplicates, which wait for an older offset; a list is scanned from its front and a late duplicate is found there.
type ackQueue struct {
	all, leader []waiter
}

func (q *ackQueue) add(w waiter) {
	if w.all {
		q.all = insert(q.all, w)
	} else {
		q.leader = insert(q.leader, w)
	}
}

// insert keeps the list sorted by end; nearly always that is at the back.
func insert(list []waiter, w waiter) []waiter {
	i := len(list)
	for i > 0 && list[i-1].end > w.end {
		i--
	}
	list = append(list, waiter{})
	copy(list[i+1:], list[i:])
	list[i] = w
	return list
}

// take removes the waiters whose wait is over.
func (q *ackQueue) take(durable, high int64) []waiter {
	var done []waiter
	done, q.leader = split(done, q.leader, durable)
	done, q.all = split(done, q.all, high)
	return done
}

func split(done, list []waiter, end int64) (taken, rest []waiter) {
	n := 0
	for n < len(list) && list[n].end <= end {
		n++
	}
	if n == 0 {
		return done, list
	}
	done = append(done, list[:n]...)
	rest = list[:copy(list, list[n:])]
	clear(list[len(rest):]) // let go of the requests
	return done, rest
}

func (q *ackQueue) takeAll() []waiter {
	out := append(q.leader, q.all...)
	q.all, q.leader = nil, nil
	return out
}

// completion is what a change of a partition's state sets free. It runs after the partition's lock was let go.
type completion struct {
	acks    []waiter
	watches []*Watch
	err     error
}

func (c completion) run() {
	for _, w := range c.acks {
		w.ack.Acked(c.err)
	}
	for _, w := range c.watches {
		w.wake()
	}
}
