package main

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// kafka-consumer-groups --reset-offsets and --delete-offsets.

// isoDuration is Java's Duration, as P7DT1H30M5.5S.
var isoDuration = regexp.MustCompile(`^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$`)

// resetTarget says where a reset goes as mainstem consume -o does; "" is --shift-by, which every partition counts itself.
func (f *groupsTool) resetTarget(cmd *cobra.Command) (string, error) {
	var given []string
	for _, flag := range []string{"to-earliest", "to-latest", "to-offset", "shift-by", "to-datetime", "by-duration"} {
		if cmd.Flags().Changed(flag) {
			given = append(given, flag)
		}
	}
	switch {
	case len(given) != 1:
		return "", errcode.New(errcode.Usage, "--reset-offsets needs exactly one of --to-earliest, --to-latest, --to-offset, --shift-by, --to-datetime, --by-duration")
	case f.execute && f.dryRun:
		return "", errcode.New(errcode.Usage, "Option [reset-offsets] only accepts one of [execute] and [dry-run]")
	case len(f.topics) == 0 && !f.allTopics:
		return "", errcode.New(errcode.Usage, "Option [reset-offsets] takes one of these options: [all-topics],[topic]")
	case !f.execute && !f.dryRun:
		fmt.Fprintln(f.env.Stderr, "WARN: No action will be performed as the --execute option is missing.")
	}
	switch given[0] {
	case "to-earliest":
		return "start", nil
	case "to-latest":
		return "end", nil
	case "to-offset":
		return strconv.FormatInt(max(0, f.toOffset), 10), nil
	case "to-datetime":
		return timeTarget(f.toDatetime)
	case "by-duration":
		return f.durationTarget()
	}
	return "", nil
}

func timeTarget(text string) (string, error) {
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return fmt.Sprintf("@%d", t.UnixMilli()), nil
		}
	}
	return "", errcode.New(errcode.Usage, "--to-datetime %s is not YYYY-MM-DDTHH:mm:SS.sss", text)
}

func (f *groupsTool) durationTarget() (string, error) {
	parts := isoDuration.FindStringSubmatch(f.byDuration)
	if parts == nil || strings.Join(parts[1:], "") == "" {
		return "", errcode.New(errcode.Usage, "--by-duration %s is not PnDTnHnMnS", f.byDuration)
	}
	ago := 0.0
	for i, unit := range []float64{86400, 3600, 60, 1} {
		n, _ := strconv.ParseFloat(parts[i+1], 64) // what is left out is zero
		ago += n * unit
	}
	return fmt.Sprintf("@%d", f.env.Now().UnixMilli()-int64(ago*1000)), nil
}

// chosen are the partitions that --topic and --all-topics name, with their bounds.
func (f *groupsTool) chosen(ctx context.Context, adm *kadm.Client, committed kadm.OffsetResponses) (rows []offsetRow, err error) {
	only := map[string][]string{}
	for _, t := range f.topics {
		name, list, some := strings.Cut(t, ":")
		if only[name] = nil; some {
			only[name] = strings.Split(list, ",")
		}
	}
	if f.allTopics {
		for name := range committed {
			only[name] = nil
		}
	}
	if len(only) == 0 {
		return nil, nil
	}
	all, err := offsetsOf(ctx, adm, slices.Sorted(maps.Keys(only)))
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if some := only[r.Topic]; some == nil || slices.Contains(some, strconv.Itoa(int(r.Partition))) {
			rows = append(rows, r)
		}
	}
	for name, some := range only {
		for _, p := range some {
			if !slices.ContainsFunc(rows, func(r offsetRow) bool { return r.Topic == name && strconv.Itoa(int(r.Partition)) == p }) {
				return nil, errcode.New(errcode.TopicUnknown, "topic %s has no partition %s", name, p)
			}
		}
	}
	return rows, nil
}

func (f *groupsTool) reset(ctx context.Context, adm *kadm.Client, target string) error {
	groups, err := adm.DescribeGroups(ctx, f.groups...)
	if err != nil {
		return err
	}
	table := [][]string{{"GROUP", "TOPIC", "PARTITION", "NEW-OFFSET"}}
	for _, name := range f.groups {
		if g := groups[name]; g.Err == nil && g.State != "Empty" && g.State != "Dead" {
			return errcode.New(errcode.GroupNotEmpty, "Assignments can only be reset if the group '%s' is inactive, but the current state is %s.", name, g.State)
		}
		offsets, err := f.newOffsets(ctx, adm, name, target)
		if err != nil {
			return err
		}
		if f.execute && len(offsets) > 0 {
			done, err := adm.CommitOffsets(ctx, name, offsets)
			if err == nil {
				err = done.Error()
			}
			if err != nil {
				return fmt.Errorf("group %s: %w", name, err)
			}
		}
		for _, o := range offsets.Sorted() {
			table = append(table, []string{name, o.Topic, strconv.Itoa(int(o.Partition)), strconv.FormatInt(o.At, 10)})
		}
	}
	fmt.Fprintln(f.env.Stdout, javaTable([]int{30, 30, 10, 15}, table))
	return nil
}

// newOffsets are where a group's partitions would go, never beyond their bounds.
func (f *groupsTool) newOffsets(ctx context.Context, adm *kadm.Client, group, target string) (out kadm.Offsets, err error) {
	committed, err := adm.FetchOffsets(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("group %s: %w", group, err)
	}
	rows, err := f.chosen(ctx, adm, committed)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var topics []string
	for _, r := range rows {
		topics = append(topics, r.Topic)
	}
	at := func(r offsetRow) int64 { return committed[r.Topic][r.Partition].At + f.shiftBy }
	if target != "" {
		if at, err = position(ctx, adm, slices.Compact(topics), target); err != nil {
			return nil, err
		}
	}
	for _, r := range rows {
		if _, ok := committed.Lookup(r.Topic, r.Partition); !ok && target == "" {
			return nil, errcode.New(errcode.GroupUnknown, "Cannot shift offset for partition %s-%d since there is no current committed offset", r.Topic, r.Partition)
		}
		wanted := at(r)
		offset := min(max(wanted, r.Start), r.End)
		if offset != wanted {
			fmt.Fprintf(f.env.Stderr, "New offset (%d) is outside of topic partition %s-%d. Value will be set to %d\n", wanted, r.Topic, r.Partition, offset)
		}
		out.AddOffset(r.Topic, r.Partition, offset, -1)
	}
	return out, nil
}

func (f *groupsTool) removeOffsets(ctx context.Context, adm *kadm.Client) error {
	if len(f.topics) == 0 || len(f.groups) != 1 {
		return errcode.New(errcode.Usage, "Option [delete-offsets] takes the following options: [topic],[group]")
	}
	rows, err := f.chosen(ctx, adm, nil)
	if err != nil {
		return err
	}
	var set kadm.TopicsSet
	for _, r := range rows {
		set.Add(r.Topic, r.Partition)
	}
	gone, err := adm.DeleteOffsets(ctx, f.groups[0], set)
	if err == nil {
		err = gone.Error()
	}
	if err != nil {
		return fmt.Errorf("group %s: %w", f.groups[0], err)
	}
	fmt.Fprintf(f.env.Stdout, "Request succeed for deleting offsets with topic %s group %s\n", strings.Join(f.topics, ","), f.groups[0])
	table := [][]string{{"TOPIC", "PARTITION", "STATUS"}}
	for _, r := range rows {
		table = append(table, []string{r.Topic, strconv.Itoa(int(r.Partition)), "Successful"})
	}
	fmt.Fprintln(f.env.Stdout, javaTable([]int{30, 15, 15}, table))
	return nil
}
