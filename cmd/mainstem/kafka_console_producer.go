package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// kafka-console-producer as of Apache Kafka 4. It deviates in this: --compression-codec always has a value, of the
// client's properties only acks, compression.type and those of the connection count (others are named on the error
// stream), and a record that fails ends the tool with an exit code, where Kafka's logs the failure and goes on.

// producerTool holds the flags of kafka-console-producer.
type producerTool struct {
	*kafkaTool
	topic, codec, acks string
	reader             repeated
	sync               bool
}

func (a *app) kafkaConsoleProducer() *cobra.Command {
	f := &producerTool{}
	t, cmd := a.kafkaCommand("kafka-console-producer", "kafka-console-producer.sh: write lines as records", map[string]string{
		"broker-list": "--bootstrap-server", "line-reader": "--reader-property, for lines; mainstem produce -f for other forms",
		"batch-size": "mainstem bench, for measurements", "max-block-ms": "--timeout", "timeout": "--timeout with a unit, as 30s",
	}, func(_ *kafkaTool, cmd *cobra.Command) error { return f.run(cmd.Context()) })
	f.kafkaTool = t
	fl := cmd.Flags()
	fl.StringVar(&f.topic, "topic", "", "topic to write to")
	fl.Var(&f.reader, "property", "how lines are read: parse.key, key.separator, parse.headers, headers.delimiter, headers.separator, headers.key.separator, null.marker, ignore.error")
	fl.Var(&f.reader, "reader-property", "the same as --property")
	fl.Var(&t.pairs, "producer-property", "KEY=VALUE of the client, repeatable")
	fl.Var(&t.pairs, "command-property", "the same as --producer-property")
	fl.StringVar(&t.configFile, "producer.config", "", "properties file of the client")
	fl.StringVar(&t.configFile, "command-config", "", "the same as --producer.config")
	fl.StringVar(&f.codec, "compression-codec", "", "none, gzip, snappy, lz4 or zstd")
	fl.StringVar(&f.acks, "request-required-acks", "", "all, -1, 1 or 0")
	fl.BoolVar(&f.sync, "sync", false, "wait for each record before the next")
	return cmd
}

func (f *producerTool) run(ctx context.Context) error {
	if f.topic == "" {
		return errcode.New(errcode.Usage, "Missing required argument \"[topic]\"")
	}
	lines, err := newLineReader(f.env.Stdin, f.reader)
	if err != nil {
		return err
	}
	opts, err := produceOptions(cmp.Or(f.codec, f.properties["compression.type"], "none"), cmp.Or(f.acks, f.properties["acks"], "all"))
	if err != nil {
		return err
	}
	f.unused("acks", "compression.type")
	cl, err := f.client(append(opts, kgo.DefaultProduceTopic(f.topic), kgo.AllowAutoTopicCreation(), kgo.RecordDeliveryTimeout(f.timeout))...)
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := f.reach(ctx, cl); err != nil {
		return err
	}
	return f.send(ctx, cl, lines)
}

// send produces every line and waits for all acknowledgements; the first failure is the answer.
func (f *producerTool) send(ctx context.Context, cl *kgo.Client, lines *lineReader) error {
	var mu sync.Mutex // guards failed
	var failed, bad error
	for {
		if terminal(f.env.Stdin) {
			fmt.Fprint(f.env.Stdout, ">")
		}
		r, err := lines.next()
		if err != nil {
			bad = err
			break
		}
		cl.Produce(ctx, r, func(r *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil && failed == nil {
				failed = fmt.Errorf("produce to %s: %w", r.Topic, err)
			}
		})
		if f.sync {
			if bad = cl.Flush(ctx); bad != nil {
				break
			}
		}
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	if bad != io.EOF && failed == nil {
		return bad
	}
	return failed
}

// unused names the client's properties that mean nothing here, so that nobody counts on them.
func (t *kafkaTool) unused(used ...string) {
	known := " bootstrap.servers client.id " + strings.Join(used, " ") + " "
	for key := range t.properties {
		family, _, _ := strings.Cut(key, ".")
		if !strings.Contains(" security sasl ssl ", " "+family+" ") && !strings.Contains(known, " "+key+" ") {
			t.notice("%s has no meaning here and was left aside", key)
		}
	}
}

// lineReader reads records from lines as Kafka's LineMessageReader does.
type lineReader struct {
	in                                                *bufio.Reader
	parseKey, parseHeaders, ignoreErrors              bool
	keySeparator, delimiter, separator, nameSeparator string
	null                                              string
	line                                              int
}

func newLineReader(in io.Reader, properties []string) (*lineReader, error) {
	l := &lineReader{in: bufio.NewReader(in), keySeparator: "\t", delimiter: "\t", separator: ",", nameSeparator: ":"}
	set, err := keyValues("reader-property", properties)
	if err != nil {
		return nil, err
	}
	texts := map[string]*string{
		"key.separator": &l.keySeparator, "headers.delimiter": &l.delimiter, "headers.separator": &l.separator,
		"headers.key.separator": &l.nameSeparator, "null.marker": &l.null,
	}
	switches := map[string]*bool{"parse.key": &l.parseKey, "parse.headers": &l.parseHeaders, "ignore.error": &l.ignoreErrors}
	for key, value := range set {
		switch {
		case texts[key] != nil:
			*texts[key] = value
		case switches[key] != nil:
			*switches[key] = strings.EqualFold(value, "true")
		default:
			return nil, errcode.New(errcode.Usage, "--reader-property %s: there is no such property of lines", key)
		}
	}
	for _, key := range []string{"key.separator", "headers.delimiter", "headers.separator", "headers.key.separator"} {
		if *texts[key] == "" {
			return nil, errcode.New(errcode.Usage, "--reader-property %s is empty", key)
		}
	}
	return l, nil
}

// next is the record of the next line; io.EOF says there is none.
func (l *lineReader) next() (*kgo.Record, error) {
	rest, err := l.in.ReadString('\n')
	if rest == "" || err != nil && err != io.EOF {
		return nil, err
	}
	l.line++
	rest = strings.TrimSuffix(strings.TrimSuffix(rest, "\n"), "\r")
	whole, r := rest, &kgo.Record{}
	if l.parseHeaders {
		var headers string
		if headers, rest, err = l.cut("headers delimiter", rest, whole, l.delimiter); err == nil && headers != l.null && headers != "" {
			err = l.headers(r, headers)
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
	}
	if l.parseKey {
		key, value, err := l.cut("key separator", rest, whole, l.keySeparator)
		if err != nil && err != io.EOF {
			return nil, err
		}
		if rest = value; err == nil {
			r.Key = l.bytes(key)
		}
	}
	r.Value = l.bytes(rest)
	return r, nil
}

// cut splits at a separator. With ignore.error a line without one is all value, which io.EOF says.
func (l *lineReader) cut(what, rest, whole, at string) (before, after string, err error) {
	before, after, ok := strings.Cut(rest, at)
	switch {
	case ok:
		return before, after, nil
	case l.ignoreErrors:
		return "", rest, io.EOF
	}
	return "", "", errcode.New(errcode.Usage, "No %s found on line number %d: '%s'", what, l.line, whole)
}

func (l *lineReader) headers(r *kgo.Record, text string) error {
	for _, h := range strings.Split(text, l.separator) {
		name, value, ok := strings.Cut(h, l.nameSeparator)
		if !ok && !l.ignoreErrors {
			return errcode.New(errcode.Usage, "No header key separator found in pair '%s' on line number %d", h, l.line)
		}
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: l.bytes(value)})
	}
	return nil
}

// bytes is a text, or null where it is the null marker.
func (l *lineReader) bytes(s string) []byte {
	if l.null != "" && s == l.null {
		return nil
	}
	return []byte(s)
}
