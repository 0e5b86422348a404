package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

func (a *app) groupCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "group", Aliases: []string{"groups"}, Short: "List, describe, delete and move consumer groups, and see their lag"}
	cmd.AddCommand(a.groupList(), a.groupDescribe(), a.groupLag(), a.groupSeek(), a.groupDelete())
	return cmd
}

// groupRow is a line of group list.
type groupRow struct {
	Group       string `json:"group"`
	State       string `json:"state"`
	Protocol    string `json:"protocol_type" col:"PROTOCOL"`
	Coordinator int32  `json:"coordinator"`
}

func (a *app) groupList() *cobra.Command {
	states := []string{}
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List groups", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				groups, err := adm.ListGroups(ctx, states...)
				if err != nil {
					return err
				}
				var rows []groupRow
				for _, g := range groups.Sorted() {
					rows = append(rows, groupRow{g.Group, g.State, g.ProtocolType, g.Coordinator})
				}
				return output.Print(a.env.Stdout, a.format, rows)
			})
		},
	}
	cmd.Flags().StringSliceVar(&states, "state", nil, "only groups in these states: Empty, Stable, ...")
	return cmd
}

// memberRow is a line of group describe.
type memberRow struct {
	Group    string `json:"group"`
	State    string `json:"state"`
	Member   string `json:"member"`
	Instance string `json:"instance,omitempty" col:"INSTANCE,wide"`
	Client   string `json:"client_id"`
	Host     string `json:"host"`
	Assigned string `json:"assigned"`
}

func (a *app) groupDescribe() *cobra.Command {
	return &cobra.Command{
		Use: "describe GROUP...", Aliases: []string{"get"}, Short: "Show members and what they are assigned", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				lags, err := adm.Lag(ctx, names...)
				if err != nil {
					return err
				}
				var rows []memberRow
				for _, g := range lags.Sorted() {
					if err := unknownGroup(g); err != nil {
						return err
					}
					assigned := map[string][]string{}
					for _, l := range g.Lag.Sorted() {
						if l.Member != nil {
							assigned[l.Member.MemberID] = append(assigned[l.Member.MemberID], fmt.Sprintf("%s-%d", l.Topic, l.Partition))
						}
					}
					for _, m := range g.Members {
						row := memberRow{Group: g.Group, State: g.State, Member: m.MemberID, Client: m.ClientID, Host: m.ClientHost, Assigned: strings.Join(assigned[m.MemberID], " ")}
						if m.InstanceID != nil {
							row.Instance = *m.InstanceID
						}
						rows = append(rows, row)
					}
					if len(g.Members) == 0 {
						rows = append(rows, memberRow{Group: g.Group, State: g.State})
					}
				}
				return output.Print(a.env.Stdout, a.format, rows)
			})
		},
	}
}

// unknownGroup tells a group that does not exist from an empty one: it is dead and has committed nothing.
func unknownGroup(g kadm.DescribedGroupLag) error {
	if err := g.Error(); err != nil {
		return fmt.Errorf("group %s: %w", g.Group, err)
	}
	if g.State == "Dead" && len(g.Lag) == 0 {
		return errcode.New(errcode.GroupUnknown, "group %s does not exist", g.Group)
	}
	return nil
}

func (a *app) groupDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete GROUP...", Aliases: []string{"rm"}, Short: "Delete groups without members, and their committed offsets", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				if err := a.confirm("This deletes the committed offsets of " + strings.Join(names, ", ")); err != nil {
					return err
				}
				gone, err := adm.DeleteGroups(ctx, names...)
				if err != nil {
					return err
				}
				for _, g := range gone.Sorted() {
					if g.Err != nil {
						return fmt.Errorf("group %s: %w", g.Group, g.Err)
					}
					a.notice("deleted %s", g.Group)
				}
				return nil
			})
		},
	}
}

// lagRow is a line of group lag.
type lagRow struct {
	Group     string `json:"group"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed int64  `json:"committed"`
	End       int64  `json:"end"`
	Lag       int64  `json:"lag"`
	Seconds   string `json:"lag_seconds" col:"SECONDS"`
	Member    string `json:"member,omitempty" col:"MEMBER,wide"`
}

func (a *app) groupLag() *cobra.Command {
	watch := time.Duration(0)
	cmd := &cobra.Command{
		Use: "lag GROUP...", Short: "Show how far groups are behind, in records and in seconds", Args: cobra.MinimumNArgs(1),
		Long: "Show how far groups are behind, in records and in seconds: the age of the first record that is not committed.",
		RunE: func(cmd *cobra.Command, names []string) error {
			show := func() error {
				return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
					rows, err := a.lagRows(ctx, adm, names)
					if err != nil {
						return err
					}
					return output.Print(a.env.Stdout, a.format, rows)
				})
			}
			if err := show(); err != nil || watch <= 0 {
				return err
			}
			for tick := time.NewTicker(watch); ; {
				select {
				case <-cmd.Context().Done():
					return nil
				case <-tick.C:
					fmt.Fprintln(a.env.Stdout)
					if err := show(); err != nil {
						return err
					}
				}
			}
		},
	}
	cmd.Flags().DurationVar(&watch, "watch", 0, "again and again, at this interval")
	return cmd
}
