package api

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
)

// bury writes the records that do not pass to the dead-letter topic, outside of the producer's transaction, and answers when
// they are durable: before the others are appended, so that an acknowledged batch never lost one. A producer that tries again
// may repeat them. What fails is answered as an error that is tried again.
//
//	header                     value, in UTF-8
//	mainstem.dlq.topic         where the record was meant for
//	mainstem.dlq.partition
//	mainstem.dlq.index         its place in the producer's batch
//	mainstem.dlq.principal     who sent it
//	mainstem.dlq.field         key or value
//	mainstem.dlq.reason
//	mainstem.dlq.schema.id     when the record names one
func (s *screening) bury(b record.Batch) error {
	name := cmp.Or(s.demands.DeadLetters, s.part.Topic+".dlq")
	if name == s.part.Topic {
		return fmt.Errorf("%w: the dead-letter topic of %s is %s itself: set mainstem.schema.validation.dlq.topic to another", kerr.InvalidConfig, name, name)
	}
	part, err := s.grave(name)
	if err == nil {
		var letters record.Batch
		if letters, err = s.letters(b); err == nil {
			err = s.p.appendDurably(part, letters)
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %d records for %s-%d do not pass the schema validation of the topic, and %s cannot take them: %w",
			kerr.RequestTimedOut, len(s.dead), s.part.Topic, s.part.Index, name, err)
	}
	return nil
}

// grave is a partition of the dead-letter topic that this broker leads; the topic is made when it is missing.
func (s *screening) grave(name string) (*replica.Partition, error) {
	t := s.p.s.ensureInternal(s.p.x, name)
	if t == nil {
		return nil, errors.New("it is not there and could not be made")
	}
	for i := range t.Partitions {
		index := (s.part.Index + int32(i)) % int32(len(t.Partitions))
		if part := s.p.s.Replicas.Partition(name, index); part != nil && part.LeaderID() == s.p.s.Self {
			return part, nil
		}
	}
	return nil, errors.New("this broker leads no partition of it")
}

// letters makes the batch for the dead-letter topic.
func (s *screening) letters(b record.Batch) (record.Batch, error) {
	d := record.GetDecompressor(0)
	defer d.Put()
	it, err := b.Records(d)
	if err != nil {
		return nil, err
	}
	out := record.Builder{Codec: b.Codec()}
	dead := s.dead
	for i := int32(0); it.Next() && len(dead) > 0; i++ {
		if dead[0].index != i {
			continue
		}
		r := it.Record()
		out.Append(r.Timestamp, r.Key, r.Value, append(r.Headers, s.headers(dead[0])...))
		dead = dead[1:]
	}
	if err := it.Err(); err != nil {
		return nil, err
	}
	return out.Build()
}

func (s *screening) headers(c culprit) []record.Header {
	rows := [][2]string{
		{"topic", s.part.Topic},
		{"partition", strconv.Itoa(int(s.part.Index))},
		{"index", strconv.Itoa(int(c.index))},
		{"principal", s.p.s.client(s.p.x).principal.String()},
		{"field", c.field},
		{"reason", c.err.Error()},
	}
	var named interface{ SchemaID() int }
	if errors.As(c.err, &named) && named.SchemaID() >= 0 {
		rows = append(rows, [2]string{"schema.id", strconv.Itoa(named.SchemaID())})
	}
	out := make([]record.Header, len(rows))
	for i, row := range rows {
		out[i] = record.Header{Key: []byte("mainstem.dlq." + row[0]), Value: []byte(row[1])}
	}
	return out
}

// signal is an Ack that somebody waits for.
type signal chan error

// Acked is replica.Ack.
func (s signal) Acked(err error) { s <- err }

// appendDurably appends a batch of our own and waits for what acks=all waits for.
func (p *production) appendDurably(part *replica.Partition, b record.Batch) error {
	done := make(signal, 1) // one value, which nobody may be there to take
	params := commitlog.AppendParams{Origin: commitlog.FromClient, AppendTime: -1}
	if part.Config().LogAppendTime {
		params.AppendTime = p.s.Now().UnixMilli()
	}
	if _, err := part.Append(b, replica.AcksAll, params, done); err != nil {
		return err
	}
	ctx, cancel := p.s.within(p.x, p.req.TimeoutMillis)
	defer cancel()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("they are not durable yet: %w", ctx.Err())
	}
}
