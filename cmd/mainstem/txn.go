package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

func (a *app) txnCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "txn", Aliases: []string{"transaction", "transactions"}, Short: "List and describe transactions, and abort those that hang"}
	cmd.AddCommand(a.txnList(), a.txnDescribe(), a.txnProducers(), a.txnAbort())
	return cmd
}

// txnRow is a line of txn list.
type txnRow struct {
	ID          string `json:"transactional_id" col:"TRANSACTIONAL-ID"`
	State       string `json:"state"`
	ProducerID  int64  `json:"producer_id"`
	Coordinator int32  `json:"coordinator"`
}

func (a *app) txnList() *cobra.Command {
	var states []string
	var pattern string
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List transactional ids and the state of each", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				list, err := adm.ListTransactionsByTxPattern(ctx, nil, states, pattern)
				if err != nil {
					return err
				}
				var rows []txnRow
				for _, t := range list.Sorted() {
					rows = append(rows, txnRow{t.TxnID, t.State, t.ProducerID, t.Coordinator})
				}
				return output.Print(a.env.Stdout, a.format, rows)
			})
		},
	}
	cmd.Flags().StringSliceVar(&states, "state", nil, "only these states: Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort")
	cmd.Flags().StringVar(&pattern, "match", "", "only ids that match this regular expression")
	return cmd
}

// txnDetail is a line of txn describe.
type txnDetail struct {
	ID         string `json:"transactional_id" col:"TRANSACTIONAL-ID"`
	State      string `json:"state"`
	ProducerID int64  `json:"producer_id"`
	Epoch      int16  `json:"producer_epoch" col:"EPOCH"`
	TimeoutMS  int32  `json:"timeout_ms" col:"TIMEOUT-MS"`
	Since      string `json:"started_at" col:"STARTED-AT"`
	Partitions string `json:"partitions"`
}

func (a *app) txnDescribe() *cobra.Command {
	return &cobra.Command{
		Use: "describe ID...", Aliases: []string{"get"}, Short: "Show the transactions of transactional ids", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				described, err := adm.DescribeTransactions(ctx, ids...)
				if err != nil {
					return err
				}
				var rows []txnDetail
				for _, t := range described.Sorted() {
					if t.Err != nil {
						return fmt.Errorf("transactional id %s: %w", t.TxnID, t.Err)
					}
					row := txnDetail{ID: t.TxnID, State: t.State, ProducerID: t.ProducerID, Epoch: t.ProducerEpoch, TimeoutMS: t.TimeoutMillis}
					if t.StartTimestamp > 0 {
						row.Since = time.UnixMilli(t.StartTimestamp).UTC().Format(time.RFC3339)
					}
					var parts []string
					for _, topic := range t.Topics.Sorted() {
						for _, p := range topic.Partitions {
							parts = append(parts, fmt.Sprintf("%s-%d", topic.Topic, p))
						}
					}
					row.Partitions = strings.Join(parts, " ")
					rows = append(rows, row)
				}
				return output.Print(a.env.Stdout, a.format, rows)
			})
		},
	}
}

// producerRow is a line of txn producers.
type producerRow struct {
	Topic      string `json:"topic"`
	Partition  int32  `json:"partition"`
	ProducerID int64  `json:"producer_id"`
	Epoch      int16  `json:"producer_epoch" col:"EPOCH"`
	Sequence   int32  `json:"last_sequence" col:"SEQUENCE,wide"`
	LastWrite  string `json:"last_write_at" col:"LAST-WRITE-AT"`
	TxnStart   int64  `json:"transaction_start_offset" col:"OPEN-SINCE-OFFSET"`
}

func (a *app) txnProducers() *cobra.Command {
	open := false
	cmd := &cobra.Command{
		Use: "producers TOPIC...", Short: "Show who writes to partitions, and where open transactions begin", Args: cobra.MinimumNArgs(1),
		Long: "Show who writes to partitions, and where open transactions begin. OPEN-SINCE-OFFSET is -1 without an open transaction.\nA transaction whose producer id no transactional id of `txn list` has hangs: txn abort --topic ends it.",
		RunE: func(cmd *cobra.Command, topics []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				set := kadm.TopicsSet{}
				for _, t := range topics {
					set.Add(t)
				}
				described, err := adm.DescribeProducers(ctx, set)
				if err != nil {
					return err
				}
				var rows []producerRow
				for _, part := range described.SortedPartitions() {
					if part.Err != nil {
						return fmt.Errorf("%s-%d: %w", part.Topic, part.Partition, part.Err)
					}
					for _, p := range part.ActiveProducers.Sorted() {
						if !open || p.CurrentTxnStartOffset >= 0 {
							rows = append(rows, producerRow{p.Topic, p.Partition, p.ProducerID, p.ProducerEpoch, p.LastSequence,
								time.UnixMilli(p.LastTimestamp).UTC().Format(time.RFC3339), p.CurrentTxnStartOffset})
						}
					}
				}
				return output.Print(a.env.Stdout, a.format, rows)
			})
		},
	}
	cmd.Flags().BoolVar(&open, "open", false, "only producers with an open transaction")
	return cmd
}

func (a *app) txnAbort() *cobra.Command {
	var topic string
	partition, start := int32(-1), int64(-1)
	cmd := &cobra.Command{
		Use: "abort [ID]", Short: "Abort the open transaction of a transactional id, or one that hangs in a partition", Args: cobra.MaximumNArgs(1),
		Long: "Abort the open transaction of a transactional id, and fence its producer; or write the abort marker of a transaction that\n" +
			"its coordinator does not know to one partition (KIP-664), found by the offset at which it began.",
		Example: "  mainstem txn abort billing-1\n  mainstem txn abort --topic orders --partition 0 --start-offset 1234",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 == (topic != "") {
				return errcode.New(errcode.Usage, "name a transactional id, or --topic, --partition and --start-offset")
			}
			if len(args) == 1 {
				return a.abortID(cmd.Context(), args[0])
			}
			return a.abortHanging(cmd.Context(), topic, partition, start)
		},
	}
	f := cmd.Flags()
	f.StringVar(&topic, "topic", "", "topic of a hanging transaction")
	f.Int32Var(&partition, "partition", -1, "partition of a hanging transaction")
	f.Int64Var(&start, "start-offset", -1, "offset at which the hanging transaction began, as txn producers shows it")
	return cmd
}

// abortHanging writes the marker that a coordinator will never write.
func (a *app) abortHanging(ctx context.Context, topic string, partition int32, start int64) error {
	return a.admin(ctx, func(ctx context.Context, adm *kadm.Client) error {
		set := kadm.TopicsSet{}
		set.Add(topic, partition)
		described, err := adm.DescribeProducers(ctx, set)
		if err != nil {
			return err
		}
		for _, p := range described.SortedProducers() {
			if p.CurrentTxnStartOffset != start || start < 0 {
				continue
			}
			if err := a.confirm(fmt.Sprintf("This aborts the transaction of producer %d in %s-%d", p.ProducerID, topic, partition)); err != nil {
				return err
			}
			done, err := adm.WriteTxnMarkers(ctx, kadm.TxnMarkers{ProducerID: p.ProducerID, ProducerEpoch: p.ProducerEpoch, CoordinatorEpoch: p.CoordinatorEpoch, Topics: set})
			if err != nil {
				return err
			}
			for _, r := range done.SortedPartitions() {
				if r.Err != nil {
					return fmt.Errorf("abort in %s-%d: %w", topic, partition, r.Err)
				}
			}
			a.notice("aborted the transaction of producer %d in %s-%d", p.ProducerID, topic, partition)
			return nil
		}
		return fmt.Errorf("no transaction of %s-%d began at offset %d: %w", topic, partition, start, kerr.TransactionalIDNotFound)
	})
}

// abortID asks for the producer id of an open transaction as a new producer would: the coordinator fences the old one and
// aborts what it left behind.
func (a *app) abortID(ctx context.Context, id string) error {
	timeout := int32(0)
	err := a.admin(ctx, func(ctx context.Context, adm *kadm.Client) error {
		described, err := adm.DescribeTransactions(ctx, id)
		if err != nil {
			return err
		}
		t := described[id]
		if t.Err != nil {
			return fmt.Errorf("transactional id %s: %w", id, t.Err)
		}
		if t.State != "Ongoing" {
			return errcode.New(errcode.Failed, "transactional id %s has no open transaction: it is %s", id, t.State)
		}
		timeout = t.TimeoutMillis
		return a.confirm("This aborts the open transaction of " + id + " and fences its producer")
	})
	if err != nil {
		return err
	}
	cl, err := a.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	req := kmsg.NewInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = &id, timeout
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	// CONCURRENT_TRANSACTIONS says that the abort is decided and its markers are being written.
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil && !errors.Is(err, kerr.ConcurrentTransactions) {
		return fmt.Errorf("transactional id %s: %w", id, err)
	}
	a.notice("aborted the transaction of %s", id)
	return nil
}
