package network

import "net"

// secureStep is how much is encrypted and written at a time: one TLS record of full size, and a bit less.
const secureStep = 16 << 10

// writeSecured writes through a layer such as TLS. Small pieces go together, because each call makes a record of its own.
// Each step has a deadline of its own: what such a layer wrote in part it cannot go on with, so a slow peer must get the
// whole time for every step and not for the whole answer.
func (c *Conn) writeSecured(left *net.Buffers) (written int64, err error) {
	var scratch []byte
	for len(*left) > 0 {
		if len((*left)[0]) == 0 {
			*left = (*left)[1:]
			continue
		}
		step := (*left)[0]
		if len(step) < secureStep && len(*left) > 1 {
			if scratch == nil {
				scratch = make([]byte, 0, secureStep)
			}
			step = gather(scratch[:0], *left)
		}
		step = step[:min(len(step), secureStep)]
		if err := c.armWrite(&c.out); err != nil {
			return written, err
		}
		n, err := c.socket.Write(step)
		written += int64(n)
		if err != nil {
			return 0, err // 0: there is no going on
		}
		drop(left, n)
	}
	return written, nil
}

// gather copies the beginnings of buffers into one, as much as it holds.
func gather(into []byte, buffers net.Buffers) []byte {
	for _, b := range buffers {
		n := min(len(b), cap(into)-len(into))
		into = append(into, b[:n]...)
		if len(into) == cap(into) {
			break
		}
	}
	return into
}

// drop moves buffers on by n bytes.
func drop(buffers *net.Buffers, n int) {
	for n > 0 {
		head := (*buffers)[0]
		if n < len(head) {
			(*buffers)[0] = head[n:]
			return
		}
		n -= len(head)
		*buffers = (*buffers)[1:]
	}
}
