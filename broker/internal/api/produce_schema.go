package api

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// Payload is a key or a value that a schema is to be held against.
type Payload struct {
	Topic    string
	Key      bool   // else the value
	Level    string // id or decode
	Strategy string // topic, record or topic-record
	Data     []byte
	Header   []byte // of __key_schema_id or __value_schema_id; nil without one
}

// Validator holds payloads against schemas. It is called on the produce path, by many goroutines at once, and keeps nothing of what
// it gets. The error says what is wrong, in one line for the producer; schemaID is the id that the payload names, 0 without one.
type Validator interface {
	Validate(p Payload) (schemaID int32, err error)
}

// maxReasons bounds the reasons in an answer; the summary counts all.
const maxReasons = 16

// schemaFault is a record that failed.
type schemaFault struct {
	index  int32
	field  string
	reason string
	id     int32
	action string
}

// checkSchemas holds the records of a batch against their schemas and answers the batch to append: without the records that went to
// the dead letter topic. With an error nothing is appended.
func (p *production) checkSchemas(part *replica.Partition, v *config.Validation, batch record.Batch, out *kmsg.ProduceResponseTopicPartition) (record.Batch, error) {
	faults, err := p.schemaFaults(part.Topic, v, batch)
	if err != nil || len(faults) == 0 {
		return batch, err
	}
	var bad, letters []schemaFault
	for _, f := range faults {
		switch f.action {
		case "reject":
			bad = append(bad, f)
		case "dlq":
			letters = append(letters, f)
		default:
			p.s.Observe(Event{Topic: part.Topic, Kind: SchemaWarned, Records: 1})
		}
	}
	if n := len(faults) - len(bad) - len(letters); n > 0 {
		p.s.Logger.Warn("records do not follow their schemas", "topic", part.Topic, "partition", part.Index, "records", n, "first", faults[0].reason)
	}
	if len(bad) > 0 {
		return nil, p.rejectSchemas(bad, out)
	}
	if len(letters) == 0 {
		return batch, nil
	}
	return p.divert(part, v, batch, letters)
}

// rejectSchemas explains a refused batch (KIP-467).
func (p *production) rejectSchemas(bad []schemaFault, out *kmsg.ProduceResponseTopicPartition) error {
	var list []record.RecordError
	for _, f := range bad[:min(len(bad), maxReasons)] {
		list = append(list, record.RecordError{Index: f.index, Message: f.field + ": " + f.reason})
	}
	err := fmt.Errorf("%w: %d records do not follow their schemas: record %d: %s: %s", record.ErrInvalidRecord, len(bad), bad[0].index, bad[0].field, bad[0].reason)
	p.explain(out, list, err)
	return err
}

// schemaFaults walks the records once.
func (p *production) schemaFaults(topic string, v *config.Validation, batch record.Batch) ([]schemaFault, error) {
	var held Validator
	if p.s.Validator != nil {
		held = p.s.Validator()
	}
	if held == nil {
		return nil, fmt.Errorf("%w: topic %q validates schemas and no schema registry runs beside this broker (--roles broker,registry)", record.ErrInvalidRecord, topic)
	}
	d := record.GetDecompressor(0)
	defer d.Put()
	it, err := batch.Records(d)
	if err != nil {
		return nil, err
	}
	var faults []schemaFault
	for i := int32(0); it.Next(); i++ {
		r := it.Record()
		for _, key := range [2]bool{true, false} {
			f, field, data := &v.Value, "value", r.Value
			if key {
				f, field, data = &v.Key, "key", r.Key
			}
			if f.Level == "" {
				continue
			}
			if data == nil {
				if !key && v.DenyTombstones {
					faults = append(faults, schemaFault{i, field, "null, and the topic allows no tombstones", 0, f.Action})
				}
				continue
			}
			id, err := held.Validate(Payload{Topic: topic, Key: key, Level: f.Level, Strategy: f.Strategy, Data: data, Header: schemaHeader(r, key)})
			if err != nil {
				faults = append(faults, schemaFault{i, field, err.Error(), id, f.Action})
			}
		}
	}
	return faults, it.Err()
}

// schemaHeader is the header that names a schema by its GUID.
func schemaHeader(r *record.Record, key bool) []byte {
	name := "__value_schema_id"
	if key {
		name = "__key_schema_id"
	}
	for _, h := range r.Headers {
		if string(h.Key) == name {
			return h.Value
		}
	}
	return nil
}

// divert writes dead letters, waits until they are durable, and takes their records out of the batch as compaction does: offsets
// and sequence numbers stay.
func (p *production) divert(part *replica.Partition, v *config.Validation, batch record.Batch, letters []schemaFault) (record.Batch, error) {
	gone := map[int32]schemaFault{}
	for _, f := range letters {
		if _, twice := gone[f.index]; !twice {
			gone[f.index] = f
		}
	}
	topic := v.DeadLetters
	if topic == "" {
		topic = part.Topic + ".dlq"
	}
	b := record.Builder{}
	var filter record.Filter
	index := int32(-1)
	err := filter.Read(batch, func(r *record.Record) bool {
		index++
		f, bad := gone[index]
		if bad {
			p.deadLetter(&b, part, index, f, r)
		}
		return !bad
	})
	if err != nil {
		return nil, err
	}
	if err := p.writeLetters(topic, &b); err != nil {
		p.s.Logger.Warn("dead letters could not be written; the producer tries again", "topic", topic, "error", err)
		return nil, kerr.NotEnoughReplicas
	}
	p.s.Observe(Event{Topic: part.Topic, Kind: SchemaDiverted, Records: len(gone)})
	if filter.Count() == 0 {
		return record.AppendEmpty(nil, batch), nil
	}
	return filter.Append(nil, record.NoTimestamp)
}

// deadLetter is a record with its own headers and those that say what is wrong with it.
func (p *production) deadLetter(b *record.Builder, part *replica.Partition, index int32, f schemaFault, r *record.Record) {
	headers := make([]record.Header, 0, len(r.Headers)+7)
	for _, h := range r.Headers {
		headers = append(headers, record.Header{Key: append([]byte{}, h.Key...), Value: append([]byte(nil), h.Value...)})
	}
	add := func(name, value string) {
		headers = append(headers, record.Header{Key: []byte("mainstem.dlq." + name), Value: []byte(value)})
	}
	add("topic", part.Topic)
	add("partition", strconv.Itoa(int(part.Index)))
	add("index", strconv.Itoa(int(index)))
	add("principal", p.s.client(p.x).subject.Principal)
	add("field", f.field)
	add("reason", f.reason)
	if f.id != 0 {
		add("schema.id", strconv.Itoa(int(f.id)))
	}
	b.Append(r.Timestamp, r.Key, r.Value, headers)
}

// letterAck waits for dead letters.
type letterAck chan error

// Acked implements replica.Ack.
func (a letterAck) Acked(err error) { a <- err }

// writeLetters appends to partition 0 of the dead letter topic, which is made when it is missing.
func (p *production) writeLetters(topic string, b *record.Builder) error {
	if p.s.Cluster.Image().Topic(topic) == nil {
		ctx, cancel := p.s.within(p.x, 0)
		defer cancel()
		t := p.s.newTopic(topic)
		t.Partitions = 1
		if _, err := p.s.Cluster.Submit(ctx, cluster.CreateTopics{Topics: []cluster.NewTopic{t}, Internal: true}); err != nil {
			return fmt.Errorf("create the topic: %w", err)
		}
	}
	batch, err := b.Build()
	if err != nil {
		return err
	}
	part := p.s.Replicas.Partition(topic, 0)
	if part == nil {
		return kerr.NotLeaderForPartition
	}
	ack := make(letterAck, 1)
	if _, err := part.Append(batch, replica.AcksAll, commitlog.AppendParams{Origin: commitlog.FromClient, AppendTime: -1}, ack); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(p.x.Context(), 30*time.Second)
	defer cancel()
	select {
	case err := <-ack:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
