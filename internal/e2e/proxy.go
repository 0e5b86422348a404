package e2e

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy passes TCP connections on and lets them die: now and then it cuts one, mostly between a request and its answer.
type Proxy struct {
	listener net.Listener
	target   string

	mu     sync.Mutex // guards the fields below
	random *rand.Rand
	pairs  map[*pair]bool
	cuts   int
	work   sync.WaitGroup
}

// pair is one connection in two halves.
type pair struct{ client, server net.Conn }

// NewProxy starts one in front of target; it ends with the test.
func NewProxy(t testing.TB, target string, seed uint64) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, target: target, random: Random(seed, 9), pairs: map[*pair]bool{}}
	p.work.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.Cut()
		p.work.Wait()
	})
	return p
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.serve(c) })
	}
}

// serve passes one connection on for a life of 100 to 500 milliseconds.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.DialTimeout("tcp", p.target, time.Second)
	if err != nil {
		return // the broker is down
	}
	defer server.Close()
	c := &pair{client, server}
	p.mu.Lock()
	p.pairs[c] = true
	life := between(p.random, 100*time.Millisecond, 500*time.Millisecond)
	p.mu.Unlock()
	end := time.AfterFunc(life, func() { p.end(c) })
	defer end.Stop()
	var halves sync.WaitGroup
	halves.Go(func() { pass(server, client) })
	halves.Go(func() { pass(client, server) })
	halves.Wait()
	p.mu.Lock()
	delete(p.pairs, c)
	p.mu.Unlock()
}

// pass copies until either end is gone, then takes the other with it.
func pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
}

// end cuts one connection: first the way of the answers, so that what the broker has done stays unknown to the client.
func (p *Proxy) end(c *pair) {
	p.mu.Lock()
	p.cuts++
	p.mu.Unlock()
	_ = c.client.Close()
	_ = c.server.Close()
}

// Cut cuts all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		p.cuts++
		_ = c.client.Close()
		_ = c.server.Close()
	}
}

// Cuts counts the connections that it ended.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}
