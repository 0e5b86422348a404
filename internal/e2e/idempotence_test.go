package e2e

import (
	"context"
	"net"
	"testing"
	"time"
)

// TestIdempotence sends 100,000 records through connections that die every few hundred milliseconds, mostly with answers
// under way, while the broker is killed and stopped in turn (P7): every record is there, and there once.
func TestIdempotence(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	began, seed := time.Now(), Seed(t)
	s := StartServer(t, Options{Settings: small(nil)})
	CreateTopics(t, s.Addr(), mixedTopics...)
	proxy := NewProxy(t, s.Addr(), seed)
	load := StartLoad(t, LoadConfig{
		Address: s.Addr(), Topics: mixedTopics, Producers: 4, Burst: 40, Records: int64(Times(t, "E2E_RECORDS", 100_000, 100_000)), MaxSize: 2000, Seed: seed,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, proxy.listener.Addr().String())
		},
	})
	bounces := 0
	random := Random(seed, 1)
	for load.History.Count() < int(load.cfg.Records)*9/10 && time.Since(began) < 4*time.Minute {
		<-time.After(between(random, 300*time.Millisecond, 1500*time.Millisecond))
		if bounces++; bounces%2 == 0 {
			s.Kill()
		} else {
			s.Stop()
		}
		s.Start()
	}
	load.Wait(t, 2*time.Minute)
	for _, err := range load.History.Failures() {
		t.Errorf("a client gave up: %v", err)
	}
	report := NewAudit(t, load).Whole(s.Addr())
	if len(report.Anomalies) > 0 || report.Found != load.History.Given() {
		t.Errorf("%d records sent, %d found; %s\nkept: %s", load.History.Given(), report.Found, report, keep(t, s))
	}
	Note(t, began, "%d connections cut, %d bounces; %s", proxy.Cuts(), bounces, report)
}
