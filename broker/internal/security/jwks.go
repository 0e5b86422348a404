package security

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"
)

// KeySetConfig says where the keys of an issuer are.
type KeySetConfig struct {
	URL          string        // sasl.oauthbearer.jwks.endpoint.url: https, http or file
	Refresh      time.Duration // sasl.oauthbearer.jwks.endpoint.refresh.ms
	Backoff      time.Duration // sasl.oauthbearer.jwks.endpoint.retry.backoff.ms
	LongestRetry time.Duration // sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms
	Logger       *slog.Logger
}

// KeySet holds the newest keys of an issuer. While it has none every token is refused.
type KeySet struct {
	cfg    KeySetConfig
	path   string // of a file
	client *http.Client
	keys   atomic.Pointer[[]PublicKey]
	wake   chan struct{} // an unknown key id was asked for
}

// The bounds of a set: it comes from another party.
const (
	longestKeySet  = 1 << 20
	keySetTimeout  = 10 * time.Second
	keySetPatience = 30 * time.Second // between two reads because of unknown key ids
)

// NewKeySet checks the source and reads a file at once: a file that cannot be read is an error, while an address that does
// not answer yet is tried again by Run.
func NewKeySet(cfg KeySetConfig) (*KeySet, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || cfg.URL == "" {
		return nil, fmt.Errorf("%q is no address", cfg.URL)
	}
	s := &KeySet{cfg: cfg, client: &http.Client{Timeout: keySetTimeout}, wake: make(chan struct{}, 1)} // capacity 1: a wake-up says as much as ten
	switch u.Scheme {
	case "https":
	case "http":
		cfg.Logger.Warn("the keys of token issuers are read without TLS: whoever is on the way can forge tokens", "url", cfg.URL)
	case "file":
		s.path = u.Path
		return s, s.read(context.Background())
	default:
		return nil, fmt.Errorf("%q: expected https, http or file", cfg.URL)
	}
	return s, nil
}

// Find is Keys.
func (s *KeySet) Find(id, algorithm string) (out []PublicKey) {
	keys := s.keys.Load()
	if keys == nil {
		return nil
	}
	known := false
	for _, k := range *keys {
		if id != "" && k.ID != "" && k.ID != id {
			continue
		}
		known = true
		if k.Algorithm == "" || k.Algorithm == algorithm {
			out = append(out, k)
		}
	}
	if !known {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return out
}

// read replaces the keys. On an error the old ones stay.
func (s *KeySet) read(ctx context.Context) error {
	text, err := s.fetch(ctx)
	if err != nil {
		return fmt.Errorf("read the keys of %s: %w", s.cfg.URL, err)
	}
	keys, err := ParseKeySet(text)
	if err != nil {
		return fmt.Errorf("read the keys of %s: %w", s.cfg.URL, err)
	}
	s.keys.Store(&keys)
	return nil
}

func (s *KeySet) fetch(ctx context.Context) ([]byte, error) {
	if s.path != "" {
		return os.ReadFile(s.path)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.URL, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, longestKeySet+1))
	if len(text) > longestKeySet {
		return nil, errors.New("it is too long")
	}
	return text, err
}

// Run reads the keys, and again now and then until ctx ends: after the refresh interval, after a pause that doubles when
// it failed, and, not too often, when a token names a key that is not there.
func (s *KeySet) Run(ctx context.Context) error {
	pause, last := s.cfg.Backoff, time.Time{}
	wait := time.Duration(0)
	if s.keys.Load() != nil {
		wait = s.cfg.Refresh
	}
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-s.wake:
			timer.Stop()
			if wait = keySetPatience - time.Since(last); wait > 0 {
				continue
			}
		}
		last = time.Now()
		if err := s.read(ctx); err != nil {
			s.cfg.Logger.Error("the keys of a token issuer cannot be read", "error", err)
			wait = pause/2 + rand.N(max(pause/2, 1))
			pause = min(2*pause, s.cfg.LongestRetry)
			continue
		}
		pause, wait = s.cfg.Backoff, s.cfg.Refresh
	}
}
