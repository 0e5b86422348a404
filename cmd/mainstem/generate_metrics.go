package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/internal/metric"
)

// metricsPage lists every metric that a broker shows after a record went through it.
func metricsPage(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "mainstem-generate-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	b, err := broker.New(broker.Config{Values: map[string]broker.Value{
		"log.dirs": {Text: dir}, "listeners": {Text: "PLAINTEXT://127.0.0.1:0"}, "journal.file.bytes": {Text: "1048576"},
	}})
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1) // the broker's end, read once
	go func() { ended <- b.Run(running) }()
	page, err := exercise(ctx, b)
	stop()
	if stopped := <-ended; err == nil {
		err = stopped
	}
	return page, err
}

// exercise sends a record through a broker, in a transaction and to a group, and lists its metrics.
func exercise(ctx context.Context, b *broker.Broker) (string, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.AllowAutoTopicCreation(), kgo.ConsumeTopics("orders"), kgo.ConsumerGroup("workers"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.TransactionalID("orders-1"))
	if err != nil {
		return "", err
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		return "", err
	}
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: []byte("one")}).FirstErr(); err != nil {
		return "", err
	}
	if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return "", err
	}
	if f := cl.PollFetches(ctx); f.Err() != nil {
		return "", f.Err()
	}
	if err := cl.CommitUncommittedOffsets(ctx); err != nil {
		return "", err
	}
	small, detail := map[string]metric.Sample{}, map[string]metric.Sample{}
	b.Collect(false, func(s metric.Sample) { small[s.Name] = s })
	b.Collect(true, func(s metric.Sample) {
		if _, ok := small[s.Name]; !ok {
			detail[s.Name] = s
		}
	})
	var out bytes.Buffer
	out.WriteString("# Metrics\n\n" + generated + "The admin listener shows them in Prometheus' form: `/metrics` is small, `/metrics/detail` adds topics and partitions one\n" +
		"by one. `mainstem_...` are our own; `kafka_server_...`, `kafka_network_...`, `kafka_controller_...`, `kafka_log_...` and\n" +
		"`kafka_cluster_...` are the names that jmx_exporter gives Apache Kafka's; the other `kafka_...` are kafka_exporter's. Go's\n" +
		"runtime and process metrics come with them.\n\n## /metrics\n\n")
	metricTable(&out, small)
	out.WriteString("\n## Only in /metrics/detail\n\n")
	metricTable(&out, detail)
	return out.String(), nil
}

func metricTable(b *bytes.Buffer, samples map[string]metric.Sample) {
	kinds := [...]string{"counter", "gauge", "histogram"}
	b.WriteString("| name | type | labels | meaning |\n| --- | --- | --- | --- |\n")
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		s := samples[name]
		var labels []string
		for i := 0; i < len(s.Labels); i += 2 {
			labels = append(labels, s.Labels[i])
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", name, kinds[s.Kind], strings.Join(labels, ", "), cell(s.Help))
	}
}
