package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// restarts are the ways in which a broker ends before it is started again.
var restarts = map[string]func(*Server){
	"kill": func(s *Server) { s.Kill() },
	"stop": func(s *Server) { s.Stop() },
}

// TestRetryAcrossRestart repeats a batch of an idempotent producer after a restart: it must be known (IDM-4).
func TestRetryAcrossRestart(t *testing.T) { acrossRestarts(t, retryAcrossRestart) }

// TestEpochsAcrossRestart asks with the leader epoch of before a restart: it must be fenced (FET-7).
func TestEpochsAcrossRestart(t *testing.T) { acrossRestarts(t, epochsAcrossRestart) }

// acrossRestarts runs a scenario with the broker as it is, for both ways to end.
func acrossRestarts(t *testing.T, scenario func(*testing.T, *Server, func(*Server)) error) {
	began := time.Now()
	for name, end := range restarts {
		t.Run(name, func(t *testing.T) {
			if err := scenario(t, StartServer(t, Options{Settings: small(nil)}), end); err != nil {
				t.Error(err)
			}
		})
	}
	Note(t, began, "%d ways to restart", len(restarts))
}

// retryAcrossRestart answers why a batch that is sent again after a restart, as by a client that never got the answer, lies
// in the log twice, or is refused.
func retryAcrossRestart(t *testing.T, s *Server, end func(*Server)) error {
	t.Helper()
	const topic = "orders"
	CreateTopics(t, s.Addr(), Topic{Name: topic, Partitions: 1})
	cl := NewClient(t, s.Addr())
	id, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(t.Context(), cl)
	if err != nil || id.ErrorCode != 0 {
		return fmt.Errorf("InitProducerId: %v, code %d", err, id.ErrorCode)
	}
	var batches []Batch
	for n := range int32(3) { // the broker remembers the last five batches
		batches = append(batches, Batch{ProducerID: id.ProducerID, Epoch: id.ProducerEpoch, FirstSequence: 2 * n, Values: [][]byte{[]byte("first"), []byte("second")}})
	}
	for n, b := range batches {
		if offset, err := produce(t.Context(), cl, topic, b); err != nil || offset != int64(2*n) {
			return fmt.Errorf("batch %d: offset %d, %v", n, offset, err)
		}
	}
	end(s)
	s.Start()
	for n, b := range batches {
		offset, err := produce(t.Context(), cl, topic, b)
		if errors.Is(err, kerr.DuplicateSequenceNumber) {
			continue // known, and too old to answer its offset
		}
		if err != nil || offset != int64(2*n) {
			return fmt.Errorf("batch %d again after the restart: offset %d, error %v; want offset %d again", n, offset, err, 2*n)
		}
	}
	next := Batch{ProducerID: id.ProducerID, Epoch: id.ProducerEpoch, FirstSequence: 6, Values: [][]byte{[]byte("third")}}
	if offset, err := produce(t.Context(), cl, topic, next); err != nil || offset != 6 {
		return fmt.Errorf("the producer's next batch after the restart: offset %d, error %v; want 6", offset, err)
	}
	skipping := Batch{ProducerID: id.ProducerID, Epoch: id.ProducerEpoch, FirstSequence: 9, Values: [][]byte{[]byte("fourth")}}
	if _, err := produce(t.Context(), cl, topic, skipping); !errors.Is(err, kerr.OutOfOrderSequenceNumber) {
		return fmt.Errorf("a batch that skips sequences 7 and 8 after the restart: %v, want OUT_OF_ORDER_SEQUENCE_NUMBER", err)
	}
	return nil
}

// produce sends one batch to partition 0 and answers its offset.
func produce(ctx context.Context, cl *kgo.Client, topic string, b Batch) (int64, error) {
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 10_000
	id, err := topicID(ctx, cl, topic)
	if err != nil {
		return -1, err
	}
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = topic, id
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = b.Bytes()
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return -1, err
	}
	answer := resp.Topics[0].Partitions[0]
	return answer.BaseOffset, kerr.ErrorForCode(answer.ErrorCode)
}

func topicID(ctx context.Context, cl *kgo.Client, topic string) ([16]byte, error) {
	m, err := describe(ctx, cl, topic)
	return m.TopicID, err
}

func describe(ctx context.Context, cl *kgo.Client, topic string) (kmsg.MetadataResponseTopic, error) {
	req, t := kmsg.NewPtrMetadataRequest(), kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return kmsg.MetadataResponseTopic{}, err
	}
	return resp.Topics[0], kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

// epochsAcrossRestart answers why a leader epoch of before a restart is still good after it: who was the leader then may
// have shown others what its journal did not have yet.
func epochsAcrossRestart(t *testing.T, s *Server, end func(*Server)) error {
	t.Helper()
	const topic = "orders"
	CreateTopics(t, s.Addr(), Topic{Name: topic, Partitions: 1})
	cl := NewClient(t, s.Addr())
	before, err := describe(t.Context(), cl, topic)
	if err != nil {
		return err
	}
	epoch := before.Partitions[0].LeaderEpoch
	if code, err := fetchWithEpoch(t.Context(), cl, before, epoch); err != nil || code != nil {
		return fmt.Errorf("fetch with the leader epoch %d of now: %v, %v", epoch, err, code)
	}
	end(s)
	s.Start()
	after, err := describe(t.Context(), cl, topic)
	if err != nil {
		return err
	}
	if now := after.Partitions[0].LeaderEpoch; now <= epoch {
		return fmt.Errorf("the leader epoch was %d and is %d after a restart: it must rise", epoch, now)
	}
	for _, ask := range []struct {
		epoch int32
		want  error
	}{{epoch, kerr.FencedLeaderEpoch}, {after.Partitions[0].LeaderEpoch, nil}, {after.Partitions[0].LeaderEpoch + 1, kerr.UnknownLeaderEpoch}} {
		if code, err := fetchWithEpoch(t.Context(), cl, after, ask.epoch); err != nil || !errors.Is(code, ask.want) {
			return fmt.Errorf("fetch with leader epoch %d after the restart: error %v, code %v; want %v", ask.epoch, err, code, ask.want)
		}
	}
	return nil
}

// fetchWithEpoch fetches from offset 0 as one who knows a leader epoch; code is what the partition answers.
func fetchWithEpoch(ctx context.Context, cl *kgo.Client, topic kmsg.MetadataResponseTopic, epoch int32) (code, err error) {
	req := kmsg.NewPtrFetchRequest()
	req.MaxBytes, req.MaxWaitMillis = 1<<20, 0
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = *topic.Topic, topic.TopicID
	p := kmsg.NewFetchRequestTopicPartition()
	p.CurrentLeaderEpoch, p.PartitionMaxBytes = epoch, 1<<20
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	resp, err := cl.Broker(1).RetriableRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	answer := resp.(*kmsg.FetchResponse)
	if answer.ErrorCode != 0 {
		return nil, kerr.ErrorForCode(answer.ErrorCode)
	}
	return kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode), nil
}
