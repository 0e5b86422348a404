package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// lagRows are the committed offsets of groups beside the ends of their partitions.
func (a *app) lagRows(ctx context.Context, adm *kadm.Client, names []string) ([]lagRow, error) {
	lags, err := adm.Lag(ctx, names...)
	if err != nil {
		return nil, err
	}
	var rows []lagRow
	for _, g := range lags.Sorted() {
		if err := unknownGroup(g); err != nil {
			return nil, err
		}
		for _, l := range g.Lag.Sorted() {
			row := lagRow{Group: g.Group, Topic: l.Topic, Partition: l.Partition, Committed: l.Commit.At, End: l.End.Offset, Lag: l.Lag, Seconds: "0"}
			if l.Member != nil {
				row.Member = l.Member.MemberID
			}
			if l.Lag > 0 {
				row.Seconds = a.age(ctx, l.Topic, l.Partition, max(l.Commit.At, l.Start.Offset))
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// age is how old the record at an offset is, in seconds, or "-" when it cannot be read.
func (a *app) age(ctx context.Context, topic string, partition int32, offset int64) string {
	cl, err := a.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(offset)}}), kgo.FetchMaxBytes(1<<16))
	if err != nil {
		return "-"
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for it := cl.PollFetches(ctx).RecordIter(); !it.Done(); {
		return strconv.FormatFloat(max(0, a.env.Now().Sub(it.Next().Timestamp).Seconds()), 'f', 0, 64)
	}
	return "-"
}

func (a *app) groupSeek() *cobra.Command {
	to, topics := "", []string{}
	cmd := &cobra.Command{
		Use: "seek GROUP", Short: "Move the committed offsets of a group without members", Args: cobra.ExactArgs(1),
		Long:    "Move the committed offsets of a group without members: to start, end, an offset, -N before the end, +N behind the start, or @TIME.",
		Example: "  mainstem group seek billing --to start --topic orders\n  mainstem group seek billing --to @2026-11-01",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				if len(topics) == 0 {
					committed, err := adm.FetchOffsets(ctx, args[0])
					if err != nil {
						return err
					}
					for topic := range committed {
						topics = append(topics, topic)
					}
				}
				if len(topics) == 0 {
					return errcode.New(errcode.GroupUnknown, "group %s has committed nothing: name its topics with --topic", args[0])
				}
				return a.seek(ctx, adm, args[0], topics, to)
			})
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "where to")
	cmd.Flags().StringSliceVar(&topics, "topic", nil, "topics; all that the group has committed when none is named")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

func (a *app) seek(ctx context.Context, adm *kadm.Client, group string, topics []string, to string) error {
	rows, err := offsetsOf(ctx, adm, topics)
	if err != nil {
		return err
	}
	at, err := position(ctx, adm, topics, to)
	if err != nil {
		return err
	}
	var offsets kadm.Offsets
	for _, r := range rows {
		offsets.AddOffset(r.Topic, r.Partition, min(max(at(r), r.Start), r.End), -1)
	}
	if err := a.confirm(fmt.Sprintf("This moves %d committed offsets of %s", len(rows), group)); err != nil {
		return err
	}
	done, err := adm.CommitOffsets(ctx, group, offsets)
	if err == nil {
		err = done.Error()
	}
	if err == nil {
		a.notice("moved %d offsets", len(rows))
	}
	return err
}
