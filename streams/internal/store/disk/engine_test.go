package disk_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mainstem-io/mainstem/streams/internal/store"
	"github.com/mainstem-io/mainstem/streams/internal/store/disk"
)

// engines are opened anew by the function that each of them comes with; memory survives that by staying the same.
func engines(t *testing.T) map[string]func() store.Engine {
	memory := store.NewMemory()
	dir, cache := t.TempDir(), disk.NewCache(1<<20)
	t.Cleanup(cache.Unref)
	return map[string]func() store.Engine{
		"memory": func() store.Engine { return memory },
		"disk": func() store.Engine {
			e, err := disk.Open(dir, cache)
			if err != nil {
				t.Fatal(err)
			}
			return e
		},
	}
}

// TestEngines runs random writes, commits, rollbacks and restarts beside a plain map, on both engines.
func TestEngines(t *testing.T) {
	t.Parallel()
	for name, open := range engines(t) {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			e := open()
			committed := map[string]map[string]string{"a": {}, "b": {}}
			live := clone(committed)
			for step := range 400 {
				for range rng.IntN(20) {
					st := []string{"a", "b"}[rng.IntN(2)]
					k := fmt.Sprint(rng.IntN(50))
					if rng.IntN(4) == 0 {
						e.Map(st).Delete([]byte(k))
						delete(live[st], k)
						continue
					}
					v := fmt.Sprint(step)
					e.Map(st).Set([]byte(k), []byte(v))
					live[st][k] = v
				}
				compare(t, step, e, live)
				switch rng.IntN(5) {
				case 0:
					if err := e.Commit(map[string]store.Position{"a": {Next: int64(step), TopicID: [16]byte{7}}}); err != nil {
						t.Fatal(err)
					}
					committed = clone(live)
					if p, ok := e.Offset("a"); !ok || p.Next != int64(step) || p.TopicID[0] != 7 {
						t.Fatalf("step %d: position %v %v", step, p, ok)
					}
				case 1:
					if err := e.Rollback(); err != nil {
						t.Fatal(err)
					}
					live = clone(committed)
				case 2:
					if err := e.Rollback(); err != nil {
						t.Fatal(err)
					}
					if err := e.Close(); err != nil {
						t.Fatal(err)
					}
					e, live = open(), clone(committed)
				}
				compare(t, step, e, live)
			}
			if err := e.Clear("a"); err != nil {
				t.Fatal(err)
			}
			if _, ok := e.Offset("a"); ok || e.Map("a").Len() != 0 {
				t.Error("a cleared store has rows or a position")
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func clone(m map[string]map[string]string) map[string]map[string]string {
	out := map[string]map[string]string{}
	for k, v := range m {
		out[k] = map[string]string{}
		for x, y := range v {
			out[k][x] = y
		}
	}
	return out
}

func compare(t *testing.T, step int, e store.Engine, want map[string]map[string]string) {
	t.Helper()
	for st, rows := range want {
		var keys []string
		e.Map(st).Ascend(nil, nil, func(k, v []byte) bool {
			keys = append(keys, string(k))
			if rows[string(k)] != string(v) {
				t.Fatalf("step %d, store %s: %q is %q, want %q", step, st, k, v, rows[string(k)])
			}
			return true
		})
		if len(keys) != len(rows) || !slices.IsSorted(keys) {
			t.Fatalf("step %d, store %s: keys %v, want %d in order", step, st, keys, len(rows))
		}
		for k, v := range rows {
			if got, ok := e.Map(st).Get([]byte(k)); !ok || !bytes.Equal(got, []byte(v)) {
				t.Fatalf("step %d, store %s: get %q is %q, want %q", step, st, k, got, v)
			}
		}
	}
}
