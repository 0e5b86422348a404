package broker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/internal/metric"
)

// TestMetricsOfGroups: members, committed offsets and lag of groups stand in the detailed metrics under kafka_exporter's
// names; groups and transactional ids are counted by state.
func TestMetricsOfGroups(t *testing.T) {
	t.Parallel()
	b, err := broker.New(broker.Config{Values: map[string]broker.Value{
		"log.dirs": {Text: t.TempDir()}, "listeners": {Text: "PLAINTEXT://127.0.0.1:0"}, "journal.file.bytes": {Text: "1048576"},
		"offsets.topic.num.partitions": {Text: "2"}, "transaction.state.log.num.partitions": {Text: "2"},
		"group.initial.rebalance.delay.ms": {Text: "0"}, "group.consumer.heartbeat.interval.ms": {Text: "100"},
		"group.consumer.min.heartbeat.interval.ms": {Text: "100"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1) // the broker's end, read once
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the broker ended with %v", err)
		}
	})
	writer := client(t, b.Addr(), kgo.DefaultProduceTopic("orders"), kgo.AllowAutoTopicCreation(), kgo.TransactionalID("writer"))
	if err := writer.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, writer, 5)
	if err := writer.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	for group, opt := range map[string]kgo.Opt{"classic": kgo.ConsumerGroup("classic"), "consumer": kgo.ServerSideBalancer()} {
		cl := client(t, b.Addr(), kgo.ConsumerGroup(group), opt, kgo.ConsumeTopics("orders"), kgo.DisableAutoCommit(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
		consume(t, cl, 5)
	}
	if err := writer.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	produce(t, writer, 2)

	got := map[string]float64{}
	b.Collect(true, func(s metric.Sample) { got[s.Name+"{"+strings.Join(s.Labels, ",")+"}"] = s.Value })
	want := map[string]float64{
		"mainstem_groups{type,classic,state,Stable}": 1, "mainstem_groups{type,consumer,state,Stable}": 1,
		"mainstem_transactional_ids{state,Ongoing}": 1,
	}
	for _, group := range []string{"classic", "consumer"} {
		want[fmt.Sprintf("kafka_consumergroup_members{consumergroup,%s}", group)] = 1
		want[fmt.Sprintf("kafka_consumergroup_current_offset{consumergroup,%s,topic,orders,partition,0}", group)] = 5
		want[fmt.Sprintf("kafka_consumergroup_lag{consumergroup,%s,topic,orders,partition,0}", group)] = 3 // a marker and two records
	}
	for name, value := range want {
		if v, ok := got[name]; !ok || v != value {
			t.Errorf("%s is %v (there: %v), want %v", name, v, ok, value)
		}
	}
}

func client(t *testing.T, address string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(address)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}
