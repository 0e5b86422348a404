package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// kafka-console-consumer as of Apache Kafka 4. It deviates in this: deserializers and --formatter, which are Java
// classes, are not taken; bytes are printed as they are; without --group no group is made; and with --group only what
// was printed is committed.

// consumerTool holds the flags of kafka-console-consumer.
type consumerTool struct {
	*kafkaTool
	topic, include, offset, group, isolation string
	partition                                int32
	fromBeginning                            bool
	max                                      int
	wait                                     int64 // milliseconds
	formatter                                repeated
}

func (a *app) kafkaConsoleConsumer() *cobra.Command {
	f := &consumerTool{}
	t, cmd := a.kafkaCommand("kafka-console-consumer", "kafka-console-consumer.sh: print records", map[string]string{
		"zookeeper": "--bootstrap-server", "whitelist": "--include", "formatter": "--formatter-property, or mainstem consume --format json",
		"formatter-config": "--formatter-property", "key-deserializer": "--formatter-property: bytes are printed as they are",
		"value-deserializer": "--formatter-property: bytes are printed as they are", "skip-message-on-error": "no flag: bytes always print",
	}, func(_ *kafkaTool, cmd *cobra.Command) error { return f.run(cmd.Context()) })
	f.kafkaTool = t
	fl := cmd.Flags()
	fl.StringVar(&f.topic, "topic", "", "topic to read")
	fl.StringVar(&f.include, "include", "", "regular expression of the topics to read")
	fl.BoolVar(&f.fromBeginning, "from-beginning", false, "begin with the first record where nothing is committed")
	fl.IntVar(&f.max, "max-messages", -1, "stop after this many; -1: never")
	fl.Int64Var(&f.wait, "timeout-ms", -1, "stop when no record came for so long; -1: never")
	fl.Int32Var(&f.partition, "partition", -1, "only this partition")
	fl.StringVar(&f.offset, "offset", "latest", "where to begin in --partition: an offset, earliest or latest")
	fl.StringVar(&f.group, "group", "", "read as a member of this group")
	fl.StringVar(&f.isolation, "isolation-level", "", "read_committed or read_uncommitted")
	fl.Var(&f.formatter, "property", "how records are printed: print.key, print.value, print.timestamp, print.partition, print.offset, print.headers, key.separator, line.separator, headers.separator, null.literal")
	fl.Var(&f.formatter, "formatter-property", "the same as --property")
	fl.Var(&t.pairs, "consumer-property", "KEY=VALUE of the client, repeatable")
	fl.Var(&t.pairs, "command-property", "the same as --consumer-property")
	fl.StringVar(&t.configFile, "consumer.config", "", "properties file of the client")
	fl.StringVar(&t.configFile, "command-config", "", "the same as --consumer.config")
	return cmd
}

func (f *consumerTool) run(ctx context.Context) error {
	f.group = cmp.Or(f.group, f.properties["group.id"])
	format, err := newLineFormat(f.formatter)
	if err != nil {
		return err
	}
	opts, err := f.source()
	if err != nil {
		return err
	}
	switch f.isolation = cmp.Or(f.isolation, f.properties["isolation.level"], "read_uncommitted"); f.isolation {
	case "read_committed":
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	case "read_uncommitted":
	default:
		return errcode.New(errcode.Usage, "--isolation-level %s: one of read_committed, read_uncommitted", f.isolation)
	}
	f.unused("group.id", "isolation.level", "auto.offset.reset")
	cl, err := f.client(append(opts, kgo.FetchMaxWait(500*time.Millisecond))...)
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := f.reach(ctx, cl); err != nil {
		return err
	}
	n, err := f.print(ctx, cl, format)
	fmt.Fprintf(f.env.Stderr, "Processed a total of %d messages\n", n)
	if err == nil && f.group != "" {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.timeout)
		defer cancel()
		err = cl.CommitMarkedOffsets(end)
	}
	return err
}

// source says what is read and from where.
func (f *consumerTool) source() ([]kgo.Opt, error) {
	if (f.topic == "") == (f.include == "") {
		return nil, errcode.New(errcode.Usage, "Exactly one of --include/--topic is required.")
	}
	if f.partition >= 0 {
		return f.onePartition()
	}
	if f.offset != "latest" {
		return nil, errcode.New(errcode.Usage, "The partition is required.: --offset goes with --partition")
	}
	start := kgo.NewOffset().AtEnd()
	if f.fromBeginning || f.properties["auto.offset.reset"] == "earliest" {
		start = kgo.NewOffset().AtStart()
	}
	opts := []kgo.Opt{kgo.ConsumeTopics(f.topic), kgo.ConsumeResetOffset(start)}
	if f.include != "" {
		re, err := includeList(f.include)
		if err != nil {
			return nil, err
		}
		opts[0] = kgo.ConsumeTopics(re.String())
		opts = append(opts, kgo.ConsumeRegex())
	}
	if f.group != "" {
		opts = append(opts, kgo.ConsumerGroup(f.group), kgo.AutoCommitMarks())
	}
	return opts, nil
}

func (f *consumerTool) onePartition() ([]kgo.Opt, error) {
	if f.topic == "" || f.group != "" {
		return nil, errcode.New(errcode.Usage, "--partition needs --topic, and does not go with --group")
	}
	start := kgo.NewOffset()
	switch at, err := strconv.ParseInt(f.offset, 10, 64); {
	case f.fromBeginning && f.offset != "latest":
		return nil, errcode.New(errcode.Usage, "Options from-beginning and offset cannot be specified together.")
	case f.fromBeginning || strings.EqualFold(f.offset, "earliest"):
		start = start.AtStart()
	case strings.EqualFold(f.offset, "latest"):
		start = start.AtEnd()
	case err == nil && at >= 0:
		start = start.At(at)
	default:
		return nil, errcode.New(errcode.Usage, "The provided offset value '%s' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.", f.offset)
	}
	return []kgo.Opt{kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{f.topic: {f.partition: start}})}, nil
}

// print writes records until there are enough, none came for --timeout-ms, or the tool is stopped.
func (f *consumerTool) print(ctx context.Context, cl *kgo.Client, format *lineFormat) (n int, err error) {
	out := bufio.NewWriter(f.env.Stdout)
	defer func() { err = errors.Join(err, out.Flush()) }()
	for f.max < 0 || n < f.max {
		poll, cancel := ctx, func() {}
		if f.wait >= 0 {
			poll, cancel = context.WithTimeout(ctx, time.Duration(f.wait)*time.Millisecond)
		}
		fetches := cl.PollRecords(poll, f.max-n) // below zero: as many as there are
		over := poll.Err() != nil
		cancel()
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			format.write(out, r)
			cl.MarkCommitRecords(r)
			n++
		}
		if err := out.Flush(); err != nil {
			return n, err
		}
		if over && fetches.NumRecords() == 0 {
			return n, nil
		}
		for _, e := range fetches.Errors() {
			if !over {
				return n, fmt.Errorf("read %s-%d: %w", e.Topic, e.Partition, e.Err)
			}
		}
	}
	return n, nil
}

// lineFormat prints records as Kafka's DefaultMessageFormatter does.
type lineFormat struct {
	key, value, timestamp, partition, offset, headers bool
	keySeparator, lineSeparator, headersSeparator     string
	null                                              string
}

func newLineFormat(properties []string) (*lineFormat, error) {
	l := &lineFormat{value: true, keySeparator: "\t", lineSeparator: "\n", headersSeparator: ",", null: "null"}
	set, err := keyValues("formatter-property", properties)
	if err != nil {
		return nil, err
	}
	switches := map[string]*bool{
		"print.key": &l.key, "print.value": &l.value, "print.timestamp": &l.timestamp,
		"print.partition": &l.partition, "print.offset": &l.offset, "print.headers": &l.headers,
	}
	texts := map[string]*string{
		"key.separator": &l.keySeparator, "line.separator": &l.lineSeparator, "headers.separator": &l.headersSeparator, "null.literal": &l.null,
	}
	for key, value := range set {
		switch {
		case switches[key] != nil:
			*switches[key] = strings.EqualFold(strings.TrimSpace(value), "true")
		case texts[key] != nil:
			*texts[key] = value
		default:
			return nil, errcode.New(errcode.Usage, "--formatter-property %s: there is no such property of what is printed", key)
		}
	}
	return l, nil
}

func (l *lineFormat) write(out *bufio.Writer, r *kgo.Record) {
	var parts []string
	add := func(on bool, text func() string) {
		if on {
			parts = append(parts, text())
		}
	}
	add(l.timestamp, func() string {
		kind, known := map[int8]string{0: "CreateTime", 1: "LogAppendTime"}[r.Attrs.TimestampType()]
		if !known {
			return "NO_TIMESTAMP"
		}
		return fmt.Sprintf("%s:%d", kind, r.Timestamp.UnixMilli())
	})
	add(l.partition, func() string { return fmt.Sprintf("Partition:%d", r.Partition) })
	add(l.offset, func() string { return fmt.Sprintf("Offset:%d", r.Offset) })
	add(l.headers, func() string {
		var pairs []string
		for _, h := range r.Headers {
			pairs = append(pairs, h.Key+":"+l.text(h.Value))
		}
		return cmp.Or(strings.Join(pairs, l.headersSeparator), "NO_HEADERS")
	})
	add(l.key, func() string { return l.text(r.Key) })
	add(l.value, func() string { return l.text(r.Value) })
	_, _ = out.WriteString(strings.Join(parts, l.keySeparator) + l.lineSeparator) // Flush tells what fails
}

func (l *lineFormat) text(b []byte) string {
	if b == nil {
		return l.null
	}
	return string(b)
}
