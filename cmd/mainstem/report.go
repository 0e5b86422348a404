package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

// report prints an error for people, or as JSON, and is the one place that maps errors to exit codes.
func (a *app) report(ctx context.Context, err error) int {
	if err == nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return 0
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return errcode.ExitInterrupted
	}
	e := classify(err)
	if strings.HasPrefix(a.format, "json") {
		_ = json.NewEncoder(a.env.Stderr).Encode(map[string]any{"error": map[string]any{
			"code": e.Code.ID, "message": e.Error(), "cause": e.Code.Causes, "next": e.Steps(),
		}})
		return e.Code.Exit
	}
	fmt.Fprintf(a.env.Stderr, "error: %s  %s\n", e.Error(), e.Code.ID)
	if e.Tried != "" {
		fmt.Fprintf(a.env.Stderr, "  tried   %s\n", e.Tried)
	}
	for i, step := range e.Steps() {
		label := "next"
		if i > 0 {
			label = "or"
		}
		fmt.Fprintf(a.env.Stderr, "  %-7s %s\n", label, step)
	}
	fmt.Fprintf(a.env.Stderr, "  more    mainstem explain %s\n", e.Code.ID)
	return e.Code.Exit
}

// kafkaCodes maps Kafka's codes to ours.
var kafkaCodes = map[*kerr.Error]errcode.Code{
	kerr.UnknownTopicOrPartition: errcode.TopicUnknown, kerr.UnknownTopicID: errcode.TopicUnknown,
	kerr.TopicAlreadyExists: errcode.TopicExists, kerr.InvalidTopicException: errcode.TopicName,
	kerr.NotEnoughReplicas: errcode.TopicReplicas, kerr.NotEnoughReplicasAfterAppend: errcode.TopicReplicas,
	kerr.InvalidReplicationFactor: errcode.TopicReplicas, kerr.MessageTooLarge: errcode.TopicRecordSize,
	kerr.GroupIDNotFound: errcode.GroupUnknown, kerr.NonEmptyGroup: errcode.GroupNotEmpty, kerr.FencedInstanceID: errcode.GroupFenced,
	kerr.InvalidProducerEpoch: errcode.TxnFenced, kerr.ProducerFenced: errcode.TxnFenced, kerr.TransactionalIDNotFound: errcode.TxnUnknown,
	kerr.TopicAuthorizationFailed: errcode.AuthDenied, kerr.ClusterAuthorizationFailed: errcode.AuthDenied, kerr.GroupAuthorizationFailed: errcode.AuthDenied,
	kerr.SaslAuthenticationFailed: errcode.AuthFailed, kerr.UnsupportedSaslMechanism: errcode.AuthMechanism,
	kerr.InvalidConfig: errcode.ConfigValue, kerr.KafkaStorageError: errcode.DiskOffline, kerr.RequestTimedOut: errcode.NetTimeout,
}

// classify gives every error a code.
func classify(err error) *errcode.Error {
	if e, ok := errcode.Of(err); ok {
		return e
	}
	if f := (*broker.Fault)(nil); errors.As(err, &f) {
		return classifyFault(f, err)
	}
	var k *kerr.Error
	if errors.As(err, &k) {
		if c, ok := kafkaCodes[k]; ok {
			return errcode.Wrap(c, err)
		}
		return errcode.Wrap(errcode.Failed, err)
	}
	var op *net.OpError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return errcode.Wrap(errcode.NetPortInUse, err)
	case errors.Is(err, syscall.ENOSPC):
		return errcode.Wrap(errcode.DiskFull, err)
	case errors.Is(err, broker.ErrLocked):
		return errcode.Wrap(errcode.DiskLocked, err)
	case errors.Is(err, broker.ErrNewerFormat):
		return errcode.Wrap(errcode.DiskNewer, err)
	case errors.Is(err, broker.ErrDamaged):
		return errcode.Wrap(errcode.DiskCorrupt, err)
	case errors.Is(err, broker.ErrOffline), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EIO):
		return errcode.Wrap(errcode.DiskOffline, err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return errcode.Wrap(errcode.NetTimeout, err)
	case errors.As(err, &op), strings.Contains(err.Error(), "unable to dial"), strings.Contains(err.Error(), "connection refused"):
		return errcode.Wrap(errcode.NetUnreachable, err)
	}
	return errcode.Wrap(errcode.Failed, err)
}

// classifyFault gives a configuration its code; err has all its faults.
func classifyFault(f *broker.Fault, err error) *errcode.Error {
	code := errcode.ConfigValue
	switch {
	case f.Refused:
		code = errcode.ConfigRefused
	case f.Unknown:
		code = errcode.ConfigUnknown
	}
	e := errcode.Wrap(code, err)
	e.What = "bad configuration"
	e.Next = []string{"mainstem config explain " + f.Key}
	return e
}
