package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/broker"
)

func (a *app) demoCommand() *cobra.Command {
	records := 100_000
	cmd := &cobra.Command{
		Use: "demo", Short: "Start a broker in a temporary directory, write and read real records, and say what happened", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), records) },
	}
	cmd.Flags().IntVar(&records, "records", records, "records to write")
	return cmd
}

// demo is the way of a record through a real broker: written, acknowledged after its fsync, read back, and still there
// after the broker was stopped and started again.
func (a *app) demo(ctx context.Context, records int) (err error) {
	dir, err := os.MkdirTemp("", "mainstem-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &demoRun{app: a, dir: dir, records: records}
	fmt.Fprintf(a.env.Stdout, "Mainstem demo, data in %s\n\n", dir)
	if err := d.start(ctx); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) (string, error)
	}{
		{"create topic orders with 4 partitions", d.create},
		{fmt.Sprintf("produce %s records, each fsynced before it is acknowledged", count(int64(records))), d.produce},
		{"consume them", d.consume},
		{"stop the broker and start it again on the same directory", d.restart},
		{"consume them once more", d.consume},
	} {
		if err := d.step(ctx, step.what, step.do); err != nil {
			return err
		}
	}
	if err := d.stop(); err != nil {
		return err
	}
	fmt.Fprintf(a.env.Stdout, `
%s of %s records came back, twice, in order. Nothing is left behind.

Try next
  bin/mainstem server --data-dir ./data          a broker that stays
  bin/mainstem topic create orders -p 4          in another terminal
  echo hello | bin/mainstem produce orders
  bin/mainstem consume orders
`, count(int64(records)), count(int64(records)))
	return nil
}

// demoRun is a demo under way.
type demoRun struct {
	app     *app
	dir     string
	records int
	address string
	cancel  context.CancelFunc
	ended   chan error
}

// step runs one step and prints its line with the time it took.
func (d *demoRun) step(ctx context.Context, what string, do func(context.Context) (string, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	result, err := do(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	d.line(what, result, time.Since(began))
	return nil
}

func (d *demoRun) line(what, result string, took time.Duration) {
	fmt.Fprintf(d.app.env.Stdout, "  ok  %-66s %7s  %s\n", what, took.Round(time.Millisecond), result)
}

// start runs a broker on a port of the system's choice, with the port kept over a restart.
func (d *demoRun) start(ctx context.Context) error {
	listen := "127.0.0.1:0"
	if d.address != "" {
		listen = d.address
	}
	began := time.Now()
	b, err := broker.New(broker.Config{
		Values: map[string]broker.Value{
			"log.dirs": {Text: d.dir, Origin: "demo"}, "listeners": {Text: "PLAINTEXT://" + listen, Origin: "demo"},
			"journal.file.bytes": {Text: "16777216", Origin: "demo"},
		},
		Logger: slog.New(slog.DiscardHandler), Version: version,
	})
	if err != nil {
		return err
	}
	d.address = b.Addr()
	ctx, d.cancel = context.WithCancel(ctx)
	d.ended = make(chan error, 1) // the broker's end, read once
	go func() { d.ended <- b.Run(ctx) }()
	cl, err := d.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	ready, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := cl.Ping(ready); err != nil {
		return fmt.Errorf("the broker does not answer: %w", err)
	}
	if listen == "127.0.0.1:0" { // a restart is a step with a line of its own
		d.line("start a broker on "+d.address, "", time.Since(began))
	}
	return nil
}

func (d *demoRun) stop() error {
	d.cancel()
	return <-d.ended
}

func (d *demoRun) restart(ctx context.Context) (string, error) {
	if err := d.stop(); err != nil {
		return "", err
	}
	return "", d.start(context.WithoutCancel(ctx))
}

func (d *demoRun) client(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append(opts, kgo.SeedBrokers(d.address), kgo.SoftwareNameAndVersion("mainstem", softwareVersion()))...)
}

func (d *demoRun) create(ctx context.Context) (string, error) {
	cl, err := d.client()
	if err != nil {
		return "", err
	}
	defer cl.Close()
	_, err = kadm.NewClient(cl).CreateTopic(ctx, 4, 1, nil, "orders")
	return "", err
}

func (d *demoRun) produce(ctx context.Context) (string, error) {
	cl, err := d.client(kgo.DefaultProduceTopic("orders"), kgo.ProducerLinger(0))
	if err != nil {
		return "", err
	}
	defer cl.Close()
	began := time.Now()
	var failed error
	for i := range d.records {
		key := fmt.Sprintf("customer-%d", i%1000)
		value := fmt.Sprintf(`{"order":%d,"customer":%q,"amount":%d.%02d}`, i, key, i%500, i%100)
		cl.Produce(ctx, &kgo.Record{Key: []byte(key), Value: []byte(value)}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed = err // callbacks come one at a time
			}
		})
	}
	if err := cl.Flush(ctx); err != nil {
		return "", err
	}
	return count(int64(float64(d.records)/time.Since(began).Seconds())) + " records/s", failed
}

// consume reads everything and checks that each key's orders rise: nothing lost, doubled or out of order.
func (d *demoRun) consume(ctx context.Context) (string, error) {
	cl, err := d.client(kgo.ConsumeTopics("orders"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return "", err
	}
	defer cl.Close()
	began, n, last := time.Now(), 0, map[string]int{}
	for n < d.records {
		f := cl.PollFetches(ctx)
		if err := f.Err(); err != nil {
			return "", fmt.Errorf("after %d records: %w", n, err)
		}
		for it := f.RecordIter(); !it.Done(); n++ {
			r := it.Next()
			var order int
			if _, err := fmt.Sscanf(string(r.Value), `{"order":%d`, &order); err != nil {
				return "", fmt.Errorf("record at offset %d of partition %d is not what was written: %q", r.Offset, r.Partition, r.Value)
			}
			if before, seen := last[string(r.Key)]; seen && order <= before {
				return "", fmt.Errorf("order %d of %s came behind order %d", order, r.Key, before)
			}
			last[string(r.Key)] = order
		}
	}
	return count(int64(float64(n)/time.Since(began).Seconds())) + " records/s", nil
}
