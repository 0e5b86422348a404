package api

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/runtime"
	"github.com/mainstem-io/mainstem/broker/internal/record"
	"github.com/mainstem-io/mainstem/broker/internal/replica"
	"github.com/mainstem-io/mainstem/broker/internal/replica/partition"
)

// errAcksZero closes a connection whose acks=0 write failed (APP-9).
var errAcksZero = errors.New("a write with acks=0 failed; closing is the only way to tell the client")

// codes maps the typed errors of the rooms below to Kafka's codes.
var codes = []struct {
	err  error
	code *kerr.Error
}{
	{record.ErrCorrupt, kerr.CorruptMessage},
	{record.ErrInvalidTimestamp, kerr.InvalidTimestamp},
	{record.ErrInvalidRecord, kerr.InvalidRecord},
	{record.ErrTooLarge, kerr.MessageTooLarge},
	{record.ErrUnsupportedCompression, kerr.UnsupportedCompressionType},
	{record.ErrUnknown, kerr.UnknownServerError},
	{partition.ErrNotLeader, kerr.NotLeaderForPartition},
	{partition.ErrFencedLeaderEpoch, kerr.FencedLeaderEpoch},
	{partition.ErrUnknownLeaderEpoch, kerr.UnknownLeaderEpoch},
	{partition.ErrNotEnoughReplicas, kerr.NotEnoughReplicas},
	{partition.ErrNotEnoughReplicasAfterAppend, kerr.NotEnoughReplicasAfterAppend},
	{replica.ErrUnknownPartition, kerr.UnknownTopicOrPartition},
	{commitlog.ErrOutOfOrderSequence, kerr.OutOfOrderSequenceNumber},
	{commitlog.ErrInvalidProducerEpoch, kerr.InvalidProducerEpoch},
	{commitlog.ErrInvalidTxnState, kerr.InvalidTxnState},
	{commitlog.ErrOffsetOutOfRange, kerr.OffsetOutOfRange},
	{commitlog.ErrCorrupt, kerr.KafkaStorageError},
	{commitlog.ErrStorage, kerr.KafkaStorageError},
	{runtime.ErrNotCoordinator, kerr.NotCoordinator},
	{runtime.ErrLoading, kerr.CoordinatorLoadInProgress},
	{runtime.ErrBusy, kerr.CoordinatorLoadInProgress}, // retried without looking the coordinator up again
	{runtime.ErrTooLarge, kerr.MessageTooLarge},
	{context.DeadlineExceeded, kerr.RequestTimedOut},
	{context.Canceled, kerr.RequestTimedOut},
}

// code is the one place that turns an error into a Kafka error code. What no rule names is UNKNOWN_SERVER_ERROR and
// logged here, once.
func (s *Server) code(err error) int16 {
	if err == nil {
		return 0
	}
	if k := (*kerr.Error)(nil); errors.As(err, &k) {
		return k.Code
	}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return c.code.Code
		}
	}
	s.Logger.Error("request failed", "error", err)
	return kerr.UnknownServerError.Code
}
