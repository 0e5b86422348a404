package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

// offsetRow is a line of topic offsets.
type offsetRow struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Start     int64  `json:"start"`
	End       int64  `json:"end"`
	Records   int64  `json:"records"`
}

func (a *app) topicOffsets() *cobra.Command {
	return &cobra.Command{
		Use: "offsets NAME...", Short: "Show the first and the next offset of every partition", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				rows, err := offsetsOf(ctx, adm, names)
				if err != nil {
					return err
				}
				return output.Print(a.env.Stdout, a.format, rows)
			})
		},
	}
}

// offsetsOf lists the offsets of topics; an unknown topic is an error.
func offsetsOf(ctx context.Context, adm *kadm.Client, names []string) ([]offsetRow, error) {
	starts, err := adm.ListStartOffsets(ctx, names...)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, err
	}
	ends, err := adm.ListEndOffsets(ctx, names...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, err
	}
	var rows []offsetRow
	for _, name := range names {
		if len(ends[name]) == 0 {
			return nil, errcode.New(errcode.TopicUnknown, "topic %s does not exist", name)
		}
		for p := range int32(len(ends[name])) {
			start, _ := starts.Lookup(name, p)
			end, _ := ends.Lookup(name, p)
			rows = append(rows, offsetRow{name, p, start.Offset, end.Offset, end.Offset - start.Offset})
		}
	}
	return rows, nil
}

func (a *app) topicTrim() *cobra.Command {
	before, partition := "", int32(-1)
	cmd := &cobra.Command{
		Use: "trim NAME", Short: "Delete the records before an offset", Args: cobra.ExactArgs(1),
		Long:    "Delete the records before an offset: their space is freed when their segment is empty. \"end\" deletes all records.",
		Example: "  mainstem topic trim orders --before 1000 --partition 0\n  mainstem topic trim orders --before end",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				rows, err := offsetsOf(ctx, adm, args)
				if err != nil {
					return err
				}
				cut, lost, err := plan(rows, before, partition)
				if err != nil {
					return err
				}
				if err := a.confirm(fmt.Sprintf("This deletes %d records of %s", lost, args[0])); err != nil {
					return err
				}
				done, err := adm.DeleteRecords(ctx, cut)
				if err == nil {
					err = done.Error()
				}
				if err == nil {
					a.notice("deleted %d records", lost)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&before, "before", "", "first offset to keep, or end")
	cmd.Flags().Int32Var(&partition, "partition", -1, "one partition; -1: all")
	_ = cmd.MarkFlagRequired("before")
	return cmd
}

// plan is what to cut, and how many records that loses.
func plan(rows []offsetRow, before string, partition int32) (cut kadm.Offsets, lost int64, err error) {
	for _, r := range rows {
		if partition >= 0 && r.Partition != partition {
			continue
		}
		at := r.End
		if strings.ToLower(before) != "end" {
			if at, err = strconv.ParseInt(before, 10, 64); err != nil || at < 0 {
				return nil, 0, errcode.New(errcode.Usage, "--before %s is neither an offset nor end", before)
			}
		}
		if at > r.End {
			return nil, 0, errcode.New(errcode.Usage, "--before %d is beyond the end %d of partition %d", at, r.End, r.Partition)
		}
		cut.AddOffset(r.Topic, r.Partition, at, -1)
		lost += max(0, at-r.Start)
	}
	if len(cut) == 0 {
		return nil, 0, errcode.New(errcode.TopicUnknown, "there is no partition %d", partition)
	}
	return cut, lost, nil
}
