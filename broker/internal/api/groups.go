package api

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator/group"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/runtime"
	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// Groups hosts the group coordinators of this broker.
type Groups interface {
	// Submit hands an event to the coordinator of a partition. Done is called once, from any goroutine.
	Submit(partition int32, ev group.Event, done func(reply any, err error))
	// EndTransaction writes a marker into a partition of __consumer_offsets.
	EndTransaction(partition int32, m record.Marker, raised bool, done func(error))
	// Shards lists the partitions whose coordinator this broker is.
	Shards() []int32
}

// groupPartition is the partition of __consumer_offsets that a group belongs to; -1 before the topic is made.
func (s *Server) groupPartition(id string) int32 {
	t := s.Cluster.Image().Topic(offsetsTopic)
	if t == nil || len(t.Partitions) == 0 {
		return -1
	}
	return javaHash(id) % int32(len(t.Partitions))
}

// askGroup hands an event to the coordinator of a group and calls done with its reply or a Kafka error code.
func (s *Server) askGroup(id string, ev group.Event, done func(reply any, code int16)) {
	p := s.groupPartition(id)
	if p < 0 {
		done(nil, s.code(runtime.ErrNotCoordinator))
		return
	}
	s.Groups.Submit(p, ev, func(reply any, err error) { done(reply, s.code(err)) })
}

// askGroupAs is askGroup of a client that needs a right on the group.
func (s *Server) askGroupAs(x *network.Exchange, n need, id string, ev group.Event, done func(reply any, code int16)) {
	if err := s.permit(x, n, id); err != nil {
		done(nil, s.code(err))
		return
	}
	s.askGroup(id, ev, done)
}

// gather waits for several answers: the last one runs finish. The caller counts as one of them and calls done itself.
type gather struct {
	mu      sync.Mutex // guards what the answers write to
	pending atomic.Int32
	finish  func()
}

func newGather(finish func()) *gather {
	g := &gather{finish: finish}
	g.pending.Store(1)
	return g
}

func (g *gather) add() { g.pending.Add(1) }

func (g *gather) done() {
	if g.pending.Add(-1) == 0 {
		g.finish()
	}
}

// byPartition sorts groups into those of one coordinator each, by index, and those on which the client lacks a right.
func (s *Server) byPartition(x *network.Exchange, n need, ids []string) (allowed map[int32][]int, refused []int) {
	allowed = map[int32][]int{}
	for i, id := range ids {
		if !s.may(x, n, id) {
			refused = append(refused, i)
			continue
		}
		p := s.groupPartition(id)
		allowed[p] = append(allowed[p], i)
	}
	return allowed, refused
}

// eachGroup asks the coordinators of many groups at once, each of which the client needs a right on. take gets the reply to
// the groups of ids at indexes, or a code.
func (s *Server) eachGroup(x *network.Exchange, n need, ids []string, event func(ids []string) group.Event, take func(indexes []int, reply any, code int16), finish func()) {
	g := newGather(finish)
	allowed, refused := s.byPartition(x, n, ids)
	take(refused, nil, needs[n].refusal().Code)
	for p, indexes := range allowed {
		some := make([]string, len(indexes))
		for i, at := range indexes {
			some[i] = ids[at]
		}
		g.add()
		answer := func(reply any, err error) {
			g.mu.Lock()
			take(indexes, reply, s.code(err))
			g.mu.Unlock()
			g.done()
		}
		if p < 0 {
			answer(nil, runtime.ErrNotCoordinator)
		} else {
			s.Groups.Submit(p, event(some), answer)
		}
	}
	g.done()
}

// groupClient is who sends a request, as Kafka shows it.
func groupClient(x *network.Exchange) group.Client {
	c := group.Client{}
	if x.Request.ClientID != nil {
		c.ID = *x.Request.ClientID
	}
	address := x.Conn.RemoteAddr().String()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	c.Host = "/" + host
	return c
}
