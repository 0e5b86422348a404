package security

import (
	"net/netip"
	"testing"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// quota is a record that sets a value; a name "" is the default of its type.
func quota(key string, value float64, entity ...string) *metadata.ClientQuotaRecord {
	r := &metadata.ClientQuotaRecord{Key: key, Value: value}
	for i := 0; i < len(entity); i += 2 {
		e := metadata.QuotaEntity{Type: entity[i]}
		if name := entity[i+1]; name != "" {
			e.Name = &name
		}
		r.Entity = append(r.Entity, e)
	}
	return r
}

func quotasOf(t testing.TB, records ...metadata.Record) *Quotas {
	t.Helper()
	q := NewQuotas(QuotaConfig{Windows: 11, Window: time.Second, ControllerWindows: 11, ControllerWindow: time.Second})
	q.Update(imageWith(t, records...))
	return q
}

func TestTheMostExactQuotaWins(t *testing.T) {
	const key = "producer_byte_rate"
	// From the least exact to the most, as KIP-55 orders them.
	order := []*metadata.ClientQuotaRecord{
		quota(key, 1, "client-id", ""), quota(key, 2, "client-id", "c"), quota(key, 3, "user", ""), quota(key, 4, "user", "", "client-id", ""),
		quota(key, 5, "user", "", "client-id", "c"), quota(key, 6, "user", "u"), quota(key, 7, "user", "u", "client-id", ""),
		quota(key, 8, "user", "u", "client-id", "c"),
	}
	var set []metadata.Record
	for i, r := range order {
		set = append(set, r)
		l := limitsOf(imageWith(t, set...))
		if got, _, ok := l.of(ProduceQuota, "u", "c"); !ok || got != float64(i+1) {
			t.Errorf("with %d quotas: %v", i+1, got)
		}
		if _, _, ok := l.of(FetchQuota, "u", "c"); ok {
			t.Error("another kind has a limit")
		}
	}
}

func TestABurstIsHeldBackUntilTheRateIsMet(t *testing.T) {
	q := quotasOf(t, quota("producer_byte_rate", 1000, "user", ""))
	use := func(at time.Duration, user string, n float64) time.Duration {
		return q.Use(start.Add(at), ProduceQuota, user, "c", n)
	}
	if wait := use(0, "alice", 10_000); wait != 0 {
		t.Fatalf("a burst within the windows waits %v", wait)
	}
	wait := use(time.Second, "alice", 5_000) // 15,000 bytes in 10 to 11 seconds
	if wait < 3*time.Second || wait > 6*time.Second {
		t.Fatalf("waits %v", wait)
	}
	if other := use(time.Second, "bob", 5_000); other != 0 {
		t.Fatalf("bob waits %v for alice", other)
	}
	if later := use(13*time.Second, "alice", 0); later != 0 { // as Kafka: a burst counts until its window is forgotten
		t.Fatalf("when the windows are over there are %v left", later)
	}
	if q.Use(start, FetchQuota, "alice", "c", 1e9) != 0 {
		t.Fatal("another kind is held back")
	}
}

func TestWithoutQuotasNothingIsCounted(t *testing.T) {
	q := quotasOf(t)
	if q.Active() || q.Use(start, ProduceQuota, "u", "c", 1e12) != 0 || len(q.rates) != 0 {
		t.Error("something was counted")
	}
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() { q.Use(now, ProduceQuota, "u", "c", 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWhatIsTakenBackDoesNotCount(t *testing.T) {
	q := quotasOf(t, quota("consumer_byte_rate", 100, "client-id", ""))
	if q.Use(start, FetchQuota, "u", "c", 5000) == 0 {
		t.Fatal("not held back")
	}
	q.TakeBack(start, FetchQuota, "u", "c", 5000)
	if wait := q.Use(start, FetchQuota, "u", "c", 1); wait != 0 {
		t.Fatalf("still held back for %v", wait)
	}
}

func TestMutationsAreABucket(t *testing.T) {
	q := quotasOf(t, quota("controller_mutation_rate", 1, "user", ""))
	draw := func(at time.Duration, n int, strict bool) (time.Duration, bool) {
		return q.Mutate(start.Add(at), "u", "c", n, strict)
	}
	if wait, ok := draw(0, 20, true); !ok || wait != 0 { // 11 tokens are there: the last one to draw may overdraw
		t.Fatalf("%v %v", wait, ok)
	}
	if wait, ok := draw(0, 1, true); ok || wait != 9*time.Second {
		t.Fatalf("a strict client draws from nothing: %v %v", wait, ok)
	}
	if wait, ok := draw(0, 1, false); !ok || wait != 10*time.Second {
		t.Fatalf("an older client is served and held back: %v %v", wait, ok)
	}
	if _, ok := draw(11*time.Second, 1, true); !ok {
		t.Fatal("the bucket does not fill")
	}
}

func TestConnectionsOfAnAddress(t *testing.T) {
	q := quotasOf(t, quota("connection_creation_rate", 2, "ip", ""), quota("connection_creation_rate", 1000, "ip", "10.0.0.9"))
	a, trusted := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.9")
	refused := 0
	for range 40 {
		if own, _ := q.Connect(start, a); own > 0 {
			refused++
		}
		if own, _ := q.Connect(start, trusted); own > 0 {
			t.Fatal("the address with its own limit was refused")
		}
	}
	if refused < 15 || refused > 22 {
		t.Errorf("%d of 40 were refused; some 20 fit into ten seconds", refused)
	}
}

func TestARequestWaitsOneWindowAtMost(t *testing.T) {
	q := quotasOf(t, quota("request_percentage", 1, "user", ""))
	if wait := q.Use(start, RequestQuota, "u", "c", 1e6); wait != time.Second {
		t.Errorf("%v", wait)
	}
}

func TestUsagesOfClientsThatWentAreForgotten(t *testing.T) {
	q := quotasOf(t, quota("producer_byte_rate", 1e9, "client-id", ""))
	for i := range maxUsages {
		q.Use(start, ProduceQuota, "u", string(rune('a'+i)), 1)
	}
	q.Use(start.Add(time.Minute), ProduceQuota, "u", "new", 1)
	if len(q.rates) != 1 {
		t.Errorf("%d are remembered", len(q.rates))
	}
}
