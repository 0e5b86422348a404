package serde

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// cache keeps what a registry has answered, the least recently used goes first. Who asks at once for the same asks once.
type cache[K comparable, V any] struct {
	flight singleflight.Group

	mu    sync.Mutex // guards the fields below
	items map[K]*list.Element
	order list.List // of *cached, the newest first
}

type cached[K comparable, V any] struct {
	key     K
	value   V
	err     error
	expires time.Time // zero: never
}

const (
	maxCached   = 1000 // as official clients
	negativeFor = time.Second
)

// get answers from the cache, or asks and keeps the answer: for ever when ttl is 0. Of errors only that something is missing is
// kept, and not for long. Nobody's context ends the asking of another.
func (c *cache[K, V]) get(ctx context.Context, key K, ttl time.Duration, ask func(context.Context) (V, error)) (V, error) {
	if v, err, ok := c.look(key); ok {
		return v, err
	}
	result := c.flight.DoChan(fmt.Sprint(key), func() (any, error) {
		v, err := ask(context.WithoutCancel(ctx))
		switch {
		case err == nil:
			c.keep(key, v, nil, ttl)
		case missing(err):
			c.keep(key, v, err, negativeFor)
		}
		return v, err
	})
	select {
	case r := <-result:
		return r.Val.(V), r.Err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

func (c *cache[K, V]) look(key K) (v V, err error, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[key]
	if !ok {
		return v, nil, false
	}
	item := e.Value.(*cached[K, V])
	if !item.expires.IsZero() && time.Now().After(item.expires) {
		return v, nil, false
	}
	c.order.MoveToFront(e)
	return item.value, item.err, true
}

func (c *cache[K, V]) keep(key K, v V, err error, ttl time.Duration) {
	item := &cached[K, V]{key: key, value: v, err: err}
	if ttl > 0 {
		item.expires = time.Now().Add(ttl)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items == nil {
		c.items = map[K]*list.Element{}
	}
	if e, ok := c.items[key]; ok {
		e.Value = item
		c.order.MoveToFront(e)
		return
	}
	c.items[key] = c.order.PushFront(item)
	if c.order.Len() > maxCached {
		oldest := c.order.Back()
		delete(c.items, oldest.Value.(*cached[K, V]).key)
		c.order.Remove(oldest)
	}
}
