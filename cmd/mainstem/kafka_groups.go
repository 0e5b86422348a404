package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// kafka-consumer-groups as of Apache Kafka 4; kafka_groups_reset.go has what moves offsets. It deviates in this: --state
// names no states to list, and --verbose, --from-file, --to-current and --export are not taken.

// groupsTool holds the flags of kafka-consumer-groups.
type groupsTool struct {
	*kafkaTool
	groups, topics                       []string
	allGroups, allTopics, members, state bool
	earliest, latest, execute, dryRun    bool
	toOffset, shiftBy                    int64
	toDatetime, byDuration               string
}

func (a *app) kafkaConsumerGroups() *cobra.Command {
	f := &groupsTool{}
	t, cmd := a.kafkaCommand("kafka-consumer-groups", "kafka-consumer-groups.sh: consumer groups", map[string]string{
		"zookeeper": "--bootstrap-server", "verbose": "mainstem group describe GROUP, which shows assignments", "type": "mainstem group list",
		"from-file": "--to-offset with --topic NAME:PARTITION", "export": "mainstem group lag --format csv",
		"to-current": "--shift-by 0", "timeout": "--timeout with a unit, as 30s", "delete-all-groups": "--delete --group",
	}, func(_ *kafkaTool, cmd *cobra.Command) error { return f.run(cmd) })
	f.kafkaTool = t
	fl := cmd.Flags()
	fl.StringVar(&t.configFile, "command-config", "", "properties file of the client")
	for _, action := range []string{"list", "describe", "delete", "delete-offsets", "reset-offsets"} {
		fl.Bool(action, false, strings.ReplaceAll(action, "-", " ")+" of consumer groups")
	}
	fl.StringArrayVar(&f.groups, "group", nil, "a group, repeatable")
	fl.BoolVar(&f.allGroups, "all-groups", false, "every group")
	fl.StringArrayVar(&f.topics, "topic", nil, "a topic, or NAME:0,1 for some partitions; repeatable")
	fl.BoolVar(&f.allTopics, "all-topics", false, "every topic that the group has committed")
	fl.Bool("offsets", true, "describe offsets and lag, as without --members and --state")
	fl.BoolVar(&f.members, "members", false, "describe members")
	fl.BoolVar(&f.state, "state", false, "list or describe the state")
	fl.BoolVar(&f.earliest, "to-earliest", false, "reset to the first offset")
	fl.BoolVar(&f.latest, "to-latest", false, "reset to the end")
	fl.Int64Var(&f.toOffset, "to-offset", 0, "reset to this offset")
	fl.Int64Var(&f.shiftBy, "shift-by", 0, "reset to so many after what is committed; negative: before")
	fl.StringVar(&f.toDatetime, "to-datetime", "", "reset to a time, as 2026-11-26T10:00:00.000; UTC when it names no zone")
	fl.StringVar(&f.byDuration, "by-duration", "", "reset to so long ago, as P7DT1H30M")
	fl.BoolVar(&f.dryRun, "dry-run", false, "show what a reset would do")
	fl.BoolVar(&f.execute, "execute", false, "do the reset")
	return cmd
}

func (f *groupsTool) run(cmd *cobra.Command) error {
	action, err := oneAction(cmd, "list", "describe", "delete", "delete-offsets", "reset-offsets")
	if err != nil {
		return err
	}
	if action != "list" && len(f.groups) == 0 && !f.allGroups {
		return errcode.New(errcode.Usage, "Option [%s] takes one of these options: [all-groups],[group]", action)
	}
	target := ""
	if action == "reset-offsets" {
		if target, err = f.resetTarget(cmd); err != nil {
			return err
		}
	}
	return f.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
		listed, err := adm.ListGroups(ctx)
		if err != nil {
			return err
		}
		if f.allGroups {
			f.groups = listed.Groups()
		}
		switch {
		case action == "list":
			f.list(listed)
			return nil
		case len(f.groups) == 0:
			return nil
		case action == "delete":
			return f.remove(ctx, adm)
		case action == "delete-offsets":
			return f.removeOffsets(ctx, adm)
		case action == "reset-offsets":
			return f.reset(ctx, adm, target)
		}
		return f.describe(ctx, adm)
	})
}

func (f *groupsTool) list(groups kadm.ListedGroups) {
	var rows [][]string
	for _, g := range groups.Sorted() {
		rows = append(rows, []string{g.Group, g.State})
		if !f.state {
			fmt.Fprintln(f.env.Stdout, g.Group)
		}
	}
	if f.state {
		fmt.Fprintln(f.env.Stdout, strings.TrimPrefix(javaTable([]int{15, 0}, append([][]string{{"GROUP", "STATE"}}, rows...)), "\n"))
	}
}

// javaTable lines rows up in columns of at least these widths, or 0 for one that is not padded; as Kafka's tables it begins with an empty line.
func javaTable(widths []int, rows [][]string) string {
	for _, row := range rows {
		for i, cell := range row {
			if widths[i] > 0 {
				widths[i] = max(widths[i], len(cell))
			}
		}
	}
	var out strings.Builder
	for _, row := range rows {
		line := "\n"
		for i, cell := range row {
			line += fmt.Sprintf("%-*s ", widths[i], cell)
		}
		out.WriteString(strings.TrimSuffix(line, " "))
	}
	return out.String()
}

func (f *groupsTool) describe(ctx context.Context, adm *kadm.Client) error {
	lags, err := adm.Lag(ctx, f.groups...)
	if err != nil {
		return err
	}
	for _, g := range lags.Sorted() {
		if err := unknownGroup(g); err != nil {
			return err
		}
		switch {
		case g.State == "Empty" && !f.state:
			fmt.Fprintf(f.env.Stderr, "\nConsumer group '%s' has no active members.\n", g.Group)
		case strings.HasSuffix(g.State, "Rebalance"):
			fmt.Fprintf(f.env.Stderr, "\nWarning: Consumer group '%s' is rebalancing.\n", g.Group)
		}
		switch {
		case f.state:
			at := fmt.Sprintf("%s:%d  (%d)", g.Coordinator.Host, g.Coordinator.Port, g.Coordinator.NodeID)
			fmt.Fprintln(f.env.Stdout, javaTable([]int{15, 25, 20, 15, 0}, [][]string{
				{"GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS"},
				{g.Group, at, g.Protocol, g.State, strconv.Itoa(len(g.Members))}}))
		case f.members:
			f.printMembers(g)
		default:
			f.printOffsets(g)
		}
	}
	return nil
}

func (f *groupsTool) printMembers(g kadm.DescribedGroupLag) {
	if len(g.Members) == 0 {
		return
	}
	rows := [][]string{{"GROUP", "CONSUMER-ID", "HOST", "CLIENT-ID", "#PARTITIONS"}}
	for _, m := range g.Members {
		n := 0
		if assigned, ok := m.Assigned.AsConsumer(); ok {
			for _, t := range assigned.Topics {
				n += len(t.Partitions)
			}
		}
		rows = append(rows, []string{g.Group, m.MemberID, m.ClientHost, m.ClientID, strconv.Itoa(n)})
	}
	fmt.Fprintln(f.env.Stdout, javaTable([]int{15, 15, 15, 15, 15}, rows))
}

func (f *groupsTool) printOffsets(g kadm.DescribedGroupLag) {
	rows := [][]string{{"GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", "HOST", "CLIENT-ID"}}
	for _, l := range g.Lag.Sorted() {
		if l.Member == nil && l.Commit.At < 0 {
			continue // nobody reads it, and nobody did
		}
		row := []string{g.Group, l.Topic, strconv.Itoa(int(l.Partition)), "-", strconv.FormatInt(l.End.Offset, 10), "-", "-", "-", "-"}
		if l.Commit.At >= 0 {
			row[3], row[5] = strconv.FormatInt(l.Commit.At, 10), strconv.FormatInt(l.Lag, 10)
		}
		if l.Member != nil {
			row[6], row[7], row[8] = l.Member.MemberID, l.Member.ClientHost, l.Member.ClientID
		}
		rows = append(rows, row)
	}
	if len(rows) > 1 {
		fmt.Fprintln(f.env.Stdout, javaTable([]int{15, 15, 10, 15, 15, 15, 15, 15, 0}, rows))
	}
}

// remove deletes without a question, as Kafka's tool does.
func (f *groupsTool) remove(ctx context.Context, adm *kadm.Client) error {
	gone, err := adm.DeleteGroups(ctx, f.groups...)
	if err != nil {
		return err
	}
	for _, g := range gone.Sorted() {
		if g.Err != nil {
			return fmt.Errorf("Group '%s' could not be deleted: %w", g.Group, g.Err)
		}
	}
	fmt.Fprintf(f.env.Stdout, "Deletion of requested consumer groups ('%s') was successful.\n", strings.Join(f.groups, "', '"))
	return nil
}
