package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

func (a *app) consumeCommand() *cobra.Command {
	var form, from string
	var partitions []int32
	count, follow, committed := 0, false, false
	cmd := &cobra.Command{
		Use: "consume TOPIC...", Short: "Print records", Args: cobra.MinimumNArgs(1),
		Long: `Print records, up to the present end of the topics, or on and on with --follow.

-f says how, in franz-go's grammar: %v value, %k key, %t topic, %p partition, %o offset, %d timestamp, %h headers,
%{json}-like forms by %v{json}; --format json prints whole records as JSON lines.
-o says where to begin: start, end, an offset, -10 (ten before the end), @TIME (RFC 3339, or milliseconds).`,
		Example: "  mainstem consume orders -n 5\n  mainstem consume orders -o -10 -f '%o %k=%v\\n'\n  mainstem consume orders --follow --format json",
		RunE: func(cmd *cobra.Command, topics []string) error {
			write, err := a.recordWriter(form)
			if err != nil {
				return err
			}
			return a.consumeAll(cmd.Context(), topics, partitions, from, count, follow, committed, write)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&form, "form", "f", `%v\n`, "how a record is printed")
	f.StringVarP(&from, "offset", "o", "start", "where to begin")
	f.Int32SliceVarP(&partitions, "partition", "p", nil, "only these partitions")
	f.IntVarP(&count, "num", "n", 0, "stop after this many records; 0: at the end")
	f.BoolVar(&follow, "follow", false, "go on at the end and wait for more")
	f.BoolVar(&committed, "committed", false, "only records of committed transactions")
	return cmd
}

// jsonRecord is a record of --format json.
type jsonRecord struct {
	Topic     string            `json:"topic"`
	Partition int32             `json:"partition"`
	Offset    int64             `json:"offset"`
	Timestamp int64             `json:"timestamp"`
	Key       *string           `json:"key"`
	Value     *string           `json:"value"`
	Headers   map[string]string `json:"headers,omitempty"`
}

func (a *app) recordWriter(form string) (func(w *bufio.Writer, r *kgo.Record) error, error) {
	if strings.HasPrefix(a.format, "json") {
		return func(w *bufio.Writer, r *kgo.Record) error {
			j := jsonRecord{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: str(r.Key), Value: str(r.Value)}
			for _, h := range r.Headers {
				if j.Headers == nil {
					j.Headers = map[string]string{}
				}
				j.Headers[h.Key] = string(h.Value)
			}
			return json.NewEncoder(w).Encode(j)
		}, nil
	}
	f, err := kgo.NewRecordFormatter(form)
	if err != nil {
		return nil, errcode.New(errcode.Usage, "-f %s: %v", form, err)
	}
	var buf []byte
	return func(w *bufio.Writer, r *kgo.Record) error {
		buf = f.AppendRecord(buf[:0], r)
		_, err := w.Write(buf)
		return err
	}, nil
}

func str(b []byte) *string {
	if b == nil {
		return nil
	}
	s := string(b)
	return &s
}

// consumeAll reads the partitions from where from says up to their ends, or on and on.
func (a *app) consumeAll(ctx context.Context, topics []string, only []int32, from string, count int, follow, committed bool, write func(*bufio.Writer, *kgo.Record) error) error {
	setup, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	begin, ends, err := a.ranges(setup, topics, only, from)
	if err != nil {
		return err
	}
	left := 0
	for t, ps := range begin {
		for p, at := range ps {
			if at < ends[t][p] {
				left++
			}
		}
	}
	if left == 0 && !follow {
		return nil
	}
	assign := map[string]map[int32]kgo.Offset{}
	for t, ps := range begin {
		assign[t] = map[int32]kgo.Offset{}
		for p, at := range ps {
			assign[t][p] = kgo.NewOffset().At(at)
		}
	}
	opts := []kgo.Opt{kgo.ConsumePartitions(assign), kgo.FetchMaxWait(500 * time.Millisecond)}
	if committed {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	cl, err := a.client(opts...)
	if err != nil {
		return err
	}
	defer cl.Close()
	return a.poll(ctx, cl, begin, ends, left, count, follow, write)
}

func (a *app) poll(ctx context.Context, cl *kgo.Client, begin, ends map[string]map[int32]int64, left, count int, follow bool, write func(*bufio.Writer, *kgo.Record) error) error {
	out := bufio.NewWriter(a.env.Stdout)
	defer func() { _ = out.Flush() }()
	printed := 0
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil // Ctrl-C ends what runs until stopped
		}
		for _, e := range fetches.Errors() {
			return fmt.Errorf("read %s-%d: %w", e.Topic, e.Partition, e.Err)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			if err := write(out, r); err != nil {
				return err
			}
			printed++
			end := ends[r.Topic][r.Partition]
			if begin[r.Topic][r.Partition] < end && r.Offset+1 >= end {
				begin[r.Topic][r.Partition] = end
				left--
			}
			if count > 0 && printed == count || left == 0 && !follow {
				return nil
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
		if !follow && a.passed(ctx, cl, begin, ends) {
			return nil
		}
	}
}

// passed tells that the client stands at every end: the last offsets may be markers, which are never printed.
func (a *app) passed(_ context.Context, cl *kgo.Client, begin, ends map[string]map[int32]int64) bool {
	at := cl.UncommittedOffsets()
	for t, ps := range ends {
		for p, end := range ps {
			if begin[t][p] < end && at[t][p].Offset < end {
				return false
			}
		}
	}
	return len(at) > 0
}

// ranges answers where to begin and where to end in every partition.
func (a *app) ranges(ctx context.Context, topics []string, only []int32, from string) (begin, ends map[string]map[int32]int64, err error) {
	cl, err := a.client()
	if err != nil {
		return nil, nil, err
	}
	defer cl.Close()
	if err := a.reach(ctx, cl); err != nil {
		return nil, nil, err
	}
	adm := kadm.NewClient(cl)
	rows, err := offsetsOf(ctx, adm, topics)
	if err != nil {
		return nil, nil, err
	}
	at, err := position(ctx, adm, topics, from)
	if err != nil {
		return nil, nil, err
	}
	begin, ends = map[string]map[int32]int64{}, map[string]map[int32]int64{}
	for _, r := range rows {
		if len(only) > 0 && !contains(only, r.Partition) {
			continue
		}
		if begin[r.Topic] == nil {
			begin[r.Topic], ends[r.Topic] = map[int32]int64{}, map[int32]int64{}
		}
		begin[r.Topic][r.Partition], ends[r.Topic][r.Partition] = min(max(at(r), r.Start), r.End), r.End
	}
	if len(begin) == 0 {
		return nil, nil, errcode.New(errcode.TopicUnknown, "%s has no such partition", strings.Join(topics, ", "))
	}
	return begin, ends, nil
}

func contains(list []int32, p int32) bool {
	for _, x := range list {
		if x == p {
			return true
		}
	}
	return false
}
