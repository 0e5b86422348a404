package controller

import (
	"context"
	"fmt"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// atOnce is a journal that is durable at once and keeps nothing.
type atOnce struct{}

func (atOnce) AppendRaft([]byte) <-chan error {
	done := make(chan error, 1)
	done <- nil
	return done
}
func (atOnce) ReplayedRaft() [][]byte        { return nil }
func (atOnce) OnRaftCheckpoint(func() error) {}

func bench(b *testing.B) (*Controller, func(cluster.Event)) {
	fs := vfs.NewMem()
	_ = fs.MkdirAll(dataDir)
	c, err := New(Config{NodeID: 1, ClusterID: "b", Journal: atOnce{}, FS: fs, Dir: dataDir, Cluster: cluster.Config{Configs: anyConfig{}}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		<-done
	})
	submit := func(ev cluster.Event) {
		if _, err := c.Submit(ctx, ev); err != nil {
			b.Fatal(err)
		}
	}
	submit(cluster.RegisterBroker{Broker: metadata.Broker{ID: 1}})
	return c, submit
}

// BenchmarkSubmit changes one key in a cluster of 10,000 topics, without the cost of a sync.
func BenchmarkSubmit(b *testing.B) {
	c, submit := bench(b)
	for n := range 100 {
		var ev cluster.CreateTopics
		for i := range 100 {
			ev.Topics = append(ev.Topics, cluster.NewTopic{Name: fmt.Sprintf("t-%d-%d", n, i), Partitions: 1, ReplicationFactor: 1,
				ID: metadata.UUID{byte(n), byte(i), 15: 1}})
		}
		submit(ev)
	}
	if c.Image().TopicCount() != 10_000 {
		b.Fatal(c.Image().TopicCount())
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		submit(cluster.AlterConfigs{Resources: []cluster.AlterResource{{Resource: metadata.Resource{Type: metadata.TopicResource, Name: "t-5-5"},
			Ops: []cluster.ConfigOp{{Key: "retention.ms", Value: new(fmt.Sprint(n))}}}}})
	}
}

// BenchmarkTenThousandPartitions makes a topic with as many partitions as one request may.
func BenchmarkTenThousandPartitions(b *testing.B) {
	_, submit := bench(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		submit(cluster.CreateTopics{Topics: []cluster.NewTopic{{Name: fmt.Sprint("t", n), Partitions: 10_000, ReplicationFactor: 1,
			ID: metadata.UUID{byte(n), byte(n >> 8), 15: 1}}}})
	}
}

// BenchmarkSnapshot encodes a cluster of 10,000 topics.
func BenchmarkSnapshot(b *testing.B) {
	d := metadata.NewDelta(metadata.Empty("b"))
	for n := range 10_000 {
		id := metadata.UUID{byte(n), byte(n >> 8), 15: 1}
		_ = d.Apply(&metadata.TopicRecord{Name: fmt.Sprint("t", n), TopicID: id})
		_ = d.Apply(&metadata.PartitionRecord{TopicID: id, Replicas: []int32{1}, ISR: []int32{1}, Leader: 1})
	}
	image := d.Image(1, 1)
	b.ReportAllocs()
	for b.Loop() {
		data, err := encodeSnapshot(image, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(data)))
	}
}
