package api

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/broker/internal/network"
	"github.com/mainstem-io/mainstem/broker/internal/security"
)

// timed runs a handler and counts the time that it keeps this connection's goroutine busy against request_percentage
// (KIP-124). A request is held back by what the requests before it took: its own time is not known yet when it answers.
func (s *Server) timed(x *network.Exchange, do func()) {
	user, id := s.quotaOf(x)
	began := time.Now()
	x.Throttle(s.quotas.Use(s.Now(), security.RequestQuota, user, id, 0))
	do()
	s.quotas.Use(s.Now(), security.RequestQuota, user, id, 100*time.Since(began).Seconds())
}

// quotaOf is whose quotas a request counts against.
func (s *Server) quotaOf(x *network.Exchange) (user, client string) {
	if id := x.Request.ClientID; id != nil {
		client = *id
	}
	return s.client(x).principal.Name, client
}

// hold counts bytes against a quota and holds the client back when it is over it (KIP-13, KIP-219). It answers whether it is.
func (s *Server) hold(x *network.Exchange, kind security.QuotaKind, bytes int) bool {
	if s.quotas == nil || !s.quotas.Active() {
		return false
	}
	user, id := s.quotaOf(x)
	wait := s.quotas.Use(s.Now(), kind, user, id, float64(bytes))
	x.Throttle(wait)
	return wait > 0
}

// takeBack undoes hold.
func (s *Server) takeBack(x *network.Exchange, kind security.QuotaKind, bytes int) {
	user, id := s.quotaOf(x)
	s.quotas.TakeBack(s.Now(), kind, user, id, float64(bytes))
}

// mutate counts partitions that are made or removed against controller_mutation_rate (KIP-599). A strict client, which
// knows the error, is refused when it is over its quota; another one is served and held back.
func (s *Server) mutate(x *network.Exchange, partitions int, strict bool) error {
	if s.quotas == nil || !s.quotas.Active() {
		return nil
	}
	user, id := s.quotaOf(x)
	wait, granted := s.quotas.Mutate(s.Now(), user, id, partitions, strict)
	x.Throttle(wait)
	if !granted {
		return kerr.ThrottlingQuotaExceeded
	}
	return nil
}
