package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Commit commits offsets of one partition in many groups: at a rate in all, or, without one, by Producers that each wait
// for the answer. The groups have no members, as those of tools and of consumers that assign by hand.
func Commit(ctx context.Context, c Config) (Result, error) {
	m := c.begin()
	cl, err := kgo.NewClient(append(append([]kgo.Opt{}, c.Client...), kgo.MaxConcurrentFetches(1))...)
	if err != nil {
		return Result{}, err
	}
	defer cl.Close()
	topics, err := kadm.NewClient(cl).ListTopics(ctx, c.Topic)
	if err != nil {
		return Result{}, fmt.Errorf("ask for the id of %s: %w", c.Topic, err)
	}
	c.topicID = topics[c.Topic].ID
	for g := range c.Groups { // each group's coordinator becomes known, and the internal topic is made
		if err := c.commit(ctx, cl, g, 0); err != nil {
			return Result{}, err
		}
	}
	m.start, m.server0 = time.Now(), cpu(c.ServerPID)
	failed := c.commits(ctx, cl, m)
	m.operations = int64(len(m.latencies))
	return m.end("commit", 0, 0, failed), nil
}

func (c Config) commits(ctx context.Context, cl *kgo.Client, m *meter) (failed int64) {
	var mu sync.Mutex // guards latencies and failed
	note := func(since time.Time, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed++
			return
		}
		m.latencies = append(m.latencies, int64(time.Since(since)))
	}
	var wg sync.WaitGroup
	if c.Rate > 0 {
		pace(ctx, c, func(n int64, intended time.Time) {
			wg.Go(func() { note(intended, c.commit(ctx, cl, int(n)%c.Groups, n)) })
		})
		wg.Wait()
		return failed
	}
	stop, cancel := c.bounded(ctx)
	defer cancel()
	var next atomic.Int64
	for range max(1, c.Producers) {
		wg.Go(func() {
			for stop.Err() == nil {
				n := next.Add(1)
				if n > c.Records {
					return
				}
				began := time.Now()
				note(began, c.commit(ctx, cl, int(n)%c.Groups, n))
			}
		})
	}
	wg.Wait()
	return failed
}

// commit is one OffsetCommit of one partition.
func (c Config) commit(ctx context.Context, cl *kgo.Client, group int, offset int64) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = fmt.Sprintf("%s-bench-%d", c.Topic, group), -1
	topic, partition := kmsg.NewOffsetCommitRequestTopic(), kmsg.NewOffsetCommitRequestTopicPartition()
	topic.Topic, topic.TopicID, partition.Offset = c.Topic, c.topicID, offset
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("commit an offset of group %s: %w", req.Group, err)
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("commit an offset of group %s: %w", req.Group, err)
			}
		}
	}
	return nil
}
