package security

import (
	"log/slog"
	"sync"
	"time"
)

// Audit writes refusals into the log, not more than a few a second: a client that may not do something tries it again and
// again. What was left out is counted and told with the next line.
type Audit struct {
	logger *slog.Logger
	now    func() time.Time

	mu      sync.Mutex // guards the fields below
	second  int64      // that lines are counted of
	lines   int
	skipped int
}

// auditLines is how many refusals a second are written.
const auditLines = 10

// NewAudit writes to a logger.
func NewAudit(logger *slog.Logger, now func() time.Time) *Audit {
	return &Audit{logger: logger, now: now}
}

func (a *Audit) denied(s Subject, op Operation, kind ResourceType, name, request string) {
	if a == nil {
		return
	}
	skipped, ok := a.turn()
	if !ok {
		return
	}
	attrs := []any{"principal", s.Principal, "host", s.Host.String(), "operation", op.String(), "resource", kind.String(), "name", name, "request", request}
	if skipped > 0 {
		attrs = append(attrs, "left_out", skipped)
	}
	a.logger.Info("not authorized", attrs...)
}

// Failed records a login that failed, under the same bound.
func (a *Audit) Failed(remote, mechanism string, reason error) {
	if a == nil {
		return
	}
	if skipped, ok := a.turn(); ok {
		a.logger.Info("authentication failed", "host", remote, "mechanism", mechanism, "reason", reason, "left_out", skipped)
	}
}

func (a *Audit) turn() (skipped int, ok bool) {
	now := a.now().Unix()
	a.mu.Lock()
	defer a.mu.Unlock()
	if now != a.second {
		a.second, a.lines = now, 0
	}
	if a.lines++; a.lines > auditLines {
		a.skipped++
		return 0, false
	}
	skipped, a.skipped = a.skipped, 0
	return skipped, true
}
