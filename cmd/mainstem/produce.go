package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

func (a *app) produceCommand() *cobra.Command {
	var form, key, codec, acks string
	var headers []string
	partition, tombstone := int32(-1), false
	cmd := &cobra.Command{
		Use: "produce TOPIC", Short: "Write records from standard input", Args: cobra.ExactArgs(1),
		Long: `Write records from standard input, by default one a line.

-f says how records are read, in franz-go's grammar: %v value, %k key, %t topic, %p partition, %h headers;
%v{3} reads three bytes, %v{hex} decodes hex, %v{json} reads a JSON document.`,
		Example: "  echo hello | mainstem produce greetings\n  mainstem produce orders -f '%k\\t%v\\n' < orders.tsv",
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := produceOptions(codec, acks)
			if err != nil {
				return err
			}
			if partition >= 0 {
				opts = append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))
			}
			cl, err := a.client(append(opts, kgo.DefaultProduceTopic(args[0]), kgo.AllowAutoTopicCreation(), kgo.RecordDeliveryTimeout(a.timeout))...)
			if err != nil {
				return err
			}
			defer cl.Close()
			if err := a.reach(cmd.Context(), cl); err != nil {
				return err
			}
			read, err := kgo.NewRecordReader(a.env.Stdin, form)
			if err != nil {
				return errcode.New(errcode.Usage, "-f %s: %v", form, err)
			}
			return a.produceAll(cmd.Context(), cl, read, func(r *kgo.Record) {
				if key != "" {
					r.Key = []byte(key)
				}
				if partition >= 0 {
					r.Partition = partition
				}
				if tombstone && len(r.Value) == 0 {
					r.Value = nil
				}
				for _, h := range headers {
					name, value, _ := strings.Cut(h, "=")
					r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
				}
			})
		},
	}
	f := cmd.Flags()
	f.StringVarP(&form, "form", "f", `%v\n`, "how records are read")
	f.StringVarP(&key, "key", "k", "", "key of every record")
	f.StringArrayVarP(&headers, "header", "H", nil, "header NAME=VALUE of every record, repeatable")
	f.Int32VarP(&partition, "partition", "p", -1, "partition; -1: by key")
	f.StringVarP(&codec, "compression", "z", "none", "none, gzip, snappy, lz4 or zstd")
	f.StringVar(&acks, "acks", "all", "all, 1 or 0")
	f.BoolVarP(&tombstone, "tombstone", "Z", false, "an empty value is a null")
	return cmd
}

func produceOptions(codec, acks string) ([]kgo.Opt, error) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	c, ok := codecs[codec]
	if !ok {
		return nil, errcode.New(errcode.Usage, "--compression %s: one of none, gzip, snappy, lz4, zstd", codec)
	}
	opts := []kgo.Opt{kgo.ProducerBatchCompression(c)}
	switch acks {
	case "all", "-1":
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	default:
		return nil, errcode.New(errcode.Usage, "--acks %s: one of all, 1, 0", acks)
	}
	return opts, nil
}

// produceAll sends every record and waits for all acknowledgements; the first failure is the answer.
func (a *app) produceAll(ctx context.Context, cl *kgo.Client, read *kgo.RecordReader, dress func(*kgo.Record)) error {
	var mu sync.Mutex // guards failed
	var failed error
	n := 0
	for {
		r, err := read.ReadRecord()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return errcode.New(errcode.Usage, "record %d: %v", n+1, err)
			}
			break
		}
		dress(r)
		n++
		cl.Produce(ctx, r, func(r *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil && failed == nil {
				failed = fmt.Errorf("produce to %s: %w", r.Topic, err)
			}
		})
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	if failed == nil {
		a.notice("%d records acknowledged", n)
	}
	return failed
}
