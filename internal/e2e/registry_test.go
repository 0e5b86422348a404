package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestRegistryKill kills broker and registry, one process, while clients register schemas (P21): every registration that was
// acknowledged is there afterwards, under its id, and no id means two schemas.
func TestRegistryKill(t *testing.T) {
	began, seed := time.Now(), Seed(t)
	cycles, random := Times(t, "E2E_REGISTRY_CYCLES", 1, 20), Random(seed, 21)
	address := freeAddress(t)
	s := StartServer(t, Options{Roles: "broker,registry", Settings: small(map[string]string{
		"mainstem.registry.listener": address, "log.cleaner.backoff.ms": "500", "transaction.state.log.num.partitions": "3", "offsets.topic.num.partitions": "3",
	})})
	r := &registrations{url: "http://" + address, ids: map[string]int{}, texts: map[int]string{}}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for n := range 6 {
		clients.Go(func() { r.client(n, stop) })
	}
	for cycle := range cycles {
		from := r.count()
		if !Poll(40*time.Second, func() bool { return r.count() >= from+15 }) {
			t.Fatalf("cycle %d: %d registrations in 40 s; the last error: %v", cycle+1, r.count()-from, r.lastError())
		}
		<-time.After(between(random, 0, 300*time.Millisecond))
		s.Kill()
		s.Start()
	}
	close(stop)
	clients.Wait()
	for _, fault := range r.check(t) {
		t.Error(fault)
	}
	if t.Failed() {
		t.Logf("kept: %s", keep(t, s))
	}
	Note(t, began, "%d kills, %d registrations acknowledged, %d ids", cycles, r.count(), len(r.texts))
}

// registrations are what clients were told.
type registrations struct {
	url string

	mu     sync.Mutex // guards the fields below
	ids    map[string]int
	texts  map[int]string
	faults []string
	failed error
}

// client registers one schema after the other; every third one is registered in a second subject too.
func (r *registrations) client(n int, stop <-chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		text := fmt.Sprintf(`{"type":"fixed","name":"F%d_%d","size":%d}`, n, i, i)
		r.register(fmt.Sprintf("c%d-%d", n, i), text)
		if i%3 == 0 {
			r.register(fmt.Sprintf("again%d-%d", n, i), text)
		}
	}
}

func (r *registrations) register(subject, text string) {
	var made struct{ ID int }
	if err := r.call(http.MethodPost, "/subjects/"+subject+"/versions", map[string]string{"schema": text}, &made); err != nil {
		r.mu.Lock()
		r.failed = err
		r.mu.Unlock()
		<-time.After(20 * time.Millisecond) // it is down
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids[subject] = made.ID
	if other, ok := r.texts[made.ID]; ok && other != text {
		r.faults = append(r.faults, fmt.Sprintf("id %d means %s and %s", made.ID, other, text))
	}
	r.texts[made.ID] = text
}

func (r *registrations) call(method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(method, r.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return json.Unmarshal(text, out)
}

func (r *registrations) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ids)
}

func (r *registrations) lastError() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// check asks for everything that was acknowledged.
func (r *registrations) check(t *testing.T) []string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	faults := r.faults
	for subject, id := range r.ids {
		var got struct {
			ID     int
			Schema string
		}
		if err := r.call(http.MethodGet, "/subjects/"+subject+"/versions/latest", nil, &got); err != nil || got.ID != id || got.Schema != r.texts[id] {
			faults = append(faults, fmt.Sprintf("%s was acknowledged with id %d as %s, and is %+v: %v", subject, id, r.texts[id], got, err))
		}
	}
	return faults
}
