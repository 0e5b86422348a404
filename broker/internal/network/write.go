package network

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

const (
	batchBuffers = 64      // of one writev; a fetch answer may bring more
	batchBytes   = 1 << 20 // of one writev, a little more when the last answer is large
)

// writer is what whoever writes keeps: the goroutine that has set Conn.writing.
type writer struct {
	batch    []*Exchange
	buffers  net.Buffers
	left     net.Buffers // of buffers
	written  int         // answers of the last batch, still counted as in flight
	deadline time.Time   // as set on the socket
}

// handOver is called by the reading goroutine before it waits for anything. It writes what is ready; what gets ready from
// now on is for others to write.
func (c *Conn) handOver() {
	c.mu.Lock()
	c.handling = false
	write := !c.closed && !c.writing && c.head != nil && c.head.state != pending
	c.writing = c.writing || write
	c.mu.Unlock()
	if write {
		c.flush()
	}
}

// flush writes answers until the next one is not ready. The caller has set writing.
func (c *Conn) flush() {
	w := &c.out
	for c.take(w) {
		last := w.batch[len(w.batch)-1]
		err := c.write(w)
		now := time.Now()
		c.answered.Store(now.UnixNano())
		for _, x := range w.batch {
			if x.state == answered && err == nil { // nobody changes a state that is no longer pending
				c.server.cfg.Metrics.Sent(c.listener.Name, x.Request.Key, x.Request.Version, x.size, now.Sub(x.received))
			}
			x.releaseAnswer()
		}
		w.written = len(w.batch)
		clear(w.batch)
		w.batch = w.batch[:0]
		switch {
		case err != nil:
			c.close(fmt.Errorf("write an answer: %w", err))
		case last.last():
			c.close(last.reason)
		}
	}
	c.signalRoom()
}

// take moves what is ready, in order, from the queue into the batch. When there is nothing it gives up writing: from then
// on whoever answers next writes.
func (c *Conn) take(w *writer) bool {
	c.mu.Lock()
	c.inFlight -= w.written
	w.written = 0
	bytes, buffers := 0, 0
	for x := c.head; x != nil && x.state != pending && bytes < batchBytes && buffers < batchBuffers; x = c.head {
		c.head = x.next
		w.batch = append(w.batch, x)
		bytes += x.size
		buffers += 1 + len(x.body)
		if x.last() {
			break
		}
	}
	if c.head == nil {
		c.tail = nil
	}
	c.writing = len(w.batch) > 0
	more := c.writing
	c.mu.Unlock()
	if more {
		c.signalRoom()
	}
	return more
}

// write writes the batch in one call, if the peer takes it.
func (c *Conn) write(w *writer) error {
	w.buffers = w.buffers[:0]
	for _, x := range w.batch {
		if x.state == answered {
			w.buffers = append(w.buffers, x.head.b)
			w.buffers = append(w.buffers, x.body...)
		}
	}
	if len(w.buffers) == 0 {
		return nil
	}
	defer clear(w.buffers)
	w.left = w.buffers // WriteTo moves it on
	for {
		if err := c.armWrite(w); err != nil {
			return err
		}
		n, err := c.writeSome(&w.left)
		if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 {
			return err
		}
		w.deadline = time.Time{} // it took something: slow, but it reads
	}
}

func (c *Conn) writeSome(left *net.Buffers) (int64, error) {
	if c.socket != c.raw {
		return c.writeSecured(left)
	}
	if len(*left) == 1 {
		n, err := c.socket.Write((*left)[0])
		(*left)[0] = (*left)[0][n:]
		return int64(n), err
	}
	return left.WriteTo(c.socket)
}

// armWrite renews the deadline when half of it has passed, so that a busy connection sets one every few seconds.
func (c *Conn) armWrite(w *writer) error {
	now, timeout := time.Now(), c.server.cfg.WriteTimeout
	if w.deadline.Sub(now) > timeout/2 {
		return nil
	}
	w.deadline = now.Add(timeout)
	return c.raw.SetWriteDeadline(w.deadline)
}

// close ends the connection, whatever is in flight, and says why if somebody should know. The first reason counts.
func (c *Conn) close(reason error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	var unwritten []*Exchange
	for x := c.head; x != nil; x = x.next {
		if x.state != pending {
			unwritten = append(unwritten, x)
		}
	}
	c.head, c.tail = nil, nil
	c.mu.Unlock()
	c.cancel()
	c.raw.Close()
	for _, x := range unwritten {
		x.releaseAnswer()
	}
	c.server.forget(c, reason)
}

func (c *Conn) signalRoom() {
	select {
	case c.room <- struct{}{}:
	default:
	}
}

// waitForRoom waits until one more request of n bytes may be in flight. A request larger than the bound may be alone.
func (c *Conn) waitForRoom(n int) error {
	requests, bytes := c.server.cfg.MaxInFlight, c.server.cfg.MaxInFlightBytes
	if !c.authed.Load() {
		requests = 1
	}
	return c.waitUntil(func() bool {
		return c.inFlight < requests && (c.inFlightBytes == 0 || c.inFlightBytes+n <= bytes)
	})
}

// drained waits until nothing is in flight.
func (c *Conn) drained() {
	_ = c.waitUntil(func() bool { return c.inFlight == 0 }) // its only error is the end of the connection
}

// waitUntil waits for a condition on what mu guards.
func (c *Conn) waitUntil(ok func() bool) error {
	for handedOver := false; ; {
		c.mu.Lock()
		done := ok()
		c.mu.Unlock()
		if done {
			return nil
		}
		if !handedOver {
			c.handOver()
			handedOver = true
			continue
		}
		select {
		case <-c.room:
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
}

// unmuted waits until the connection may be read again (FET-14).
func (c *Conn) unmuted() error {
	for {
		wait := time.Duration(c.mutedUntil.Load() - time.Now().UnixNano())
		if c.mutedUntil.Load() == 0 || wait <= 0 {
			return nil
		}
		c.handOver()
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-c.server.drainingSoon:
			t.Stop()
			return errDraining
		case <-c.ctx.Done():
			t.Stop()
			return c.ctx.Err()
		}
	}
}
