package api

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/wire"
)

// sessionIdle is how long a session is kept for its client while others want its slot (KIP-227).
const sessionIdle = 2 * time.Minute

// partKey finds a partition in a session; name or id is empty, as the session's version asks.
type partKey struct {
	topic string
	id    metadata.UUID
	index int32
}

// fetchSession remembers the partitions of a consumer, so that it and we only send what changes.
//
//	absent  -> open    a full fetch with epoch 0
//	open    -> open    epoch is the next one; after 2^31-1 comes 1
//	open    -> absent  a full fetch with its id and epoch -1 or 0, or evicted while idle for a client that wants a slot
type fetchSession struct {
	id    int32
	byID  bool // topics are named by id
	cache *sessionCache

	// Guarded by cache.mu, but for the partitions' last answers: those belong to the one request that uses the session.
	epoch int32
	parts []*fetchPart
	index map[partKey]int
	used  time.Time
	turn  int // where the next answer begins, for fairness between partitions
}

// sessionCache holds the sessions of all connections.
type sessionCache struct {
	slots int
	now   func() time.Time

	mu       sync.Mutex // guards the sessions and their fields
	sessions map[int32]*fetchSession
}

func newSessionCache(slots int, now func() time.Time) *sessionCache {
	return &sessionCache{slots: slots, now: now, sessions: map[int32]*fetchSession{}}
}

// open answers the partitions to read for a request, and its session if there is one; or an error code.
func (c *sessionCache) open(req *kmsg.FetchRequest) (*fetchSession, []*fetchPart, int16) {
	switch {
	case req.Version < 7 || req.SessionEpoch == -1:
		c.close(req.SessionID)
		return nil, asked(req), 0
	case req.SessionEpoch == 0:
		c.close(req.SessionID)
		parts := asked(req)
		return c.make(parts, req.Version >= 13), parts, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sessions[req.SessionID]
	switch {
	case s == nil:
		return nil, nil, kerr.FetchSessionIDNotFound.Code
	case s.byID != (req.Version >= 13):
		return nil, nil, kerr.FetchSessionTopicIDError.Code
	case s.epoch != req.SessionEpoch:
		return nil, nil, kerr.InvalidFetchSessionEpoch.Code
	}
	s.epoch = nextEpoch(s.epoch)
	s.used = c.now()
	s.update(req)
	return s, s.inTurn(), 0
}

func nextEpoch(e int32) int32 {
	if e == 1<<31-1 {
		return 1
	}
	return e + 1
}

// close forgets a session.
func (c *sessionCache) close(id int32) {
	if id == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, id)
}

// make opens a session, or answers nil when every slot is taken by somebody who is not idle.
func (c *sessionCache) make(parts []*fetchPart, byID bool) *fetchSession {
	if len(parts) == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.sessions) >= c.slots && !c.evict() {
		return nil
	}
	s := &fetchSession{cache: c, byID: byID, epoch: 1, parts: parts, index: map[partKey]int{}, used: c.now()}
	for i, p := range parts {
		s.index[s.key(p.topic, p.id, p.index)] = i
	}
	for s.id == 0 || c.sessions[s.id] != nil {
		s.id = rand.Int32N(1<<31-1) + 1
	}
	c.sessions[s.id] = s
	return s
}

// evict frees the slot of the session that was idle longest, if it was idle long enough.
func (c *sessionCache) evict() bool {
	var oldest *fetchSession
	for _, s := range c.sessions {
		if oldest == nil || s.used.Before(oldest.used) {
			oldest = s
		}
	}
	if oldest == nil || c.now().Sub(oldest.used) < sessionIdle {
		return false
	}
	delete(c.sessions, oldest.id)
	return true
}

func (s *fetchSession) key(topic string, id metadata.UUID, index int32) partKey {
	if s.byID {
		return partKey{id: id, index: index}
	}
	return partKey{topic: topic, index: index}
}

// update takes the partitions that a request adds, changes and forgets.
func (s *fetchSession) update(req *kmsg.FetchRequest) {
	for _, p := range asked(req) {
		k := s.key(p.topic, p.id, p.index)
		i, known := s.index[k]
		if !known {
			s.index[k] = len(s.parts)
			s.parts = append(s.parts, p)
			continue
		}
		p.answered, p.high, p.logStart = s.parts[i].answered, s.parts[i].high, s.parts[i].logStart
		s.parts[i] = p
	}
	if len(req.ForgottenTopics) == 0 {
		return
	}
	gone := map[partKey]bool{}
	for _, t := range req.ForgottenTopics {
		for _, index := range t.Partitions {
			gone[s.key(t.Topic, t.TopicID, index)] = true
		}
	}
	s.parts = slices.DeleteFunc(s.parts, func(p *fetchPart) bool { return gone[s.key(p.topic, p.id, p.index)] })
	clear(s.index)
	for i, p := range s.parts {
		s.index[s.key(p.topic, p.id, p.index)] = i
	}
}

// inTurn lists the partitions, starting behind the one that started last time: a full response must not starve the rest.
func (s *fetchSession) inTurn() []*fetchPart {
	if len(s.parts) == 0 {
		return nil
	}
	s.turn = (s.turn + 1) % len(s.parts)
	return slices.Concat(s.parts[s.turn:], s.parts[:s.turn])
}

// changed tells whether an answer goes into an incremental response, and remembers it.
func (s *fetchSession) changed(p *fetchPart, a *wire.FetchPartition) bool {
	yes := !p.answered || len(a.Records) > 0 || a.ErrorCode != 0 || a.HighWatermark != p.high || a.LogStartOffset != p.logStart ||
		a.DivergingEpoch != nil
	p.answered, p.high, p.logStart = true, a.HighWatermark, a.LogStartOffset
	return yes
}

// done marks the session as used now.
func (s *fetchSession) done() {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	s.used = s.cache.now()
}

// asked lists the partitions that a request names.
func asked(req *kmsg.FetchRequest) []*fetchPart {
	var out []*fetchPart
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			f := &fetchPart{
				topic: t.Topic, id: t.TopicID, index: p.Partition, offset: p.FetchOffset, maxBytes: p.PartitionMaxBytes,
				leaderEpoch: p.CurrentLeaderEpoch, lastEpoch: p.LastFetchedEpoch,
			}
			if req.Version < 9 {
				f.leaderEpoch = -1
			}
			if req.Version < 12 {
				f.lastEpoch = -1
			}
			out = append(out, f)
		}
	}
	return out
}

// Sessions counts the fetch sessions and their partitions.
func (s *Server) Sessions() (sessions, partitions int) {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	for _, session := range s.sessions.sessions {
		partitions += len(session.parts)
	}
	return len(s.sessions.sessions), partitions
}
