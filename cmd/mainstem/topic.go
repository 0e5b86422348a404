package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

func (a *app) topicCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "topic", Aliases: []string{"topics"}, Short: "List, describe, create, alter, delete and trim topics"}
	cmd.AddCommand(a.topicList(), a.topicDescribe(), a.topicCreate(), a.topicAlter(), a.topicDelete(), a.topicOffsets(), a.topicTrim())
	return cmd
}

// topicRow is a line of topic list.
type topicRow struct {
	Name       string `json:"name"`
	Partitions int    `json:"partitions"`
	Replicas   int    `json:"replicas"`
	Internal   bool   `json:"internal" col:"INTERNAL,wide"`
	ID         string `json:"id" col:"ID,wide"`
}

func (a *app) topicList() *cobra.Command {
	internal := false
	cmd := &cobra.Command{
		Use: "list [NAME...]", Aliases: []string{"ls"}, Short: "List topics",
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				topics, err := adm.ListTopicsWithInternal(ctx, names...)
				if err != nil {
					return err
				}
				var rows []topicRow
				for _, t := range topics.Sorted() {
					if t.Err != nil {
						return fmt.Errorf("topic %s: %w", t.Topic, t.Err)
					}
					if t.IsInternal && !internal && len(names) == 0 {
						continue
					}
					rows = append(rows, topicRow{t.Topic, len(t.Partitions), t.Partitions.NumReplicas(), t.IsInternal, t.ID.String()})
				}
				return output.Print(a.env.Stdout, a.format, rows)
			})
		},
	}
	cmd.Flags().BoolVar(&internal, "internal", false, "also the topics of the broker itself")
	return cmd
}

// partitionRow is a line of topic describe.
type partitionRow struct {
	Topic       string  `json:"topic"`
	Partition   int32   `json:"partition"`
	Leader      int32   `json:"leader"`
	LeaderEpoch int32   `json:"leader_epoch" col:"EPOCH"`
	Replicas    []int32 `json:"replicas"`
	ISR         []int32 `json:"isr"`
	Error       string  `json:"error,omitempty" col:"ERROR,wide"`
}

func (a *app) topicDescribe() *cobra.Command {
	configs := false
	cmd := &cobra.Command{
		Use: "describe NAME...", Aliases: []string{"get"}, Short: "Show partitions, leaders and replicas, or the configuration", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				if configs {
					return a.describeTopicConfigs(ctx, adm, names)
				}
				topics, err := adm.ListTopicsWithInternal(ctx, names...)
				if err != nil {
					return err
				}
				var rows []partitionRow
				for _, t := range topics.Sorted() {
					if t.Err != nil {
						return fmt.Errorf("topic %s: %w", t.Topic, t.Err)
					}
					for _, p := range t.Partitions.Sorted() {
						row := partitionRow{t.Topic, p.Partition, p.Leader, p.LeaderEpoch, p.Replicas, p.ISR, ""}
						if p.Err != nil {
							row.Error = p.Err.Error()
						}
						rows = append(rows, row)
					}
				}
				return output.Print(a.env.Stdout, a.format, rows)
			})
		},
	}
	cmd.Flags().BoolVar(&configs, "configs", false, "the configuration instead of the partitions")
	return cmd
}

// configRow is a line of a configuration.
type configRow struct {
	Resource string  `json:"resource" col:"RESOURCE,wide"`
	Key      string  `json:"key"`
	Value    *string `json:"value"`
	Source   string  `json:"source"`
}

func (a *app) describeTopicConfigs(ctx context.Context, adm *kadm.Client, names []string) error {
	all, err := adm.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return err
	}
	return a.printConfigs(all)
}

func (a *app) printConfigs(all kadm.ResourceConfigs) error {
	var rows []configRow
	for _, r := range all {
		if r.Err != nil {
			return fmt.Errorf("%s: %w", r.Name, r.Err)
		}
		for _, c := range r.Configs {
			rows = append(rows, configRow{r.Name, c.Key, c.Value, c.Source.String()})
		}
	}
	slices.SortStableFunc(rows, func(x, y configRow) int {
		return cmp.Or(cmp.Compare(x.Resource, y.Resource), cmp.Compare(x.Key, y.Key))
	})
	return output.Print(a.env.Stdout, a.format, rows)
}

func (a *app) topicCreate() *cobra.Command {
	partitions, replicas, set := int32(-1), int16(-1), []string{}
	ifMissing, dryRun := false, false
	cmd := &cobra.Command{
		Use: "create NAME...", Short: "Create topics", Args: cobra.MinimumNArgs(1),
		Example: "  mainstem topic create orders -p 6 --set retention.ms=86400000",
		RunE: func(cmd *cobra.Command, names []string) error {
			configs, err := pairs(set)
			if err != nil {
				return err
			}
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				create := adm.CreateTopics
				if dryRun {
					create = adm.ValidateCreateTopics
				}
				made, err := create(ctx, partitions, replicas, configs, names...)
				if err != nil {
					return err
				}
				for _, t := range made.Sorted() {
					switch {
					case t.Err == nil && dryRun:
						a.notice("would create %s", t.Topic)
					case t.Err == nil:
						a.notice("created %s with %d partitions", t.Topic, t.NumPartitions)
					case ifMissing && errorIs(t.Err, kerr.TopicAlreadyExists):
						a.notice("%s is there already", t.Topic)
					default:
						return withMessage(t.Topic, t.Err, t.ErrMessage)
					}
				}
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.Int32VarP(&partitions, "partitions", "p", -1, "number of partitions; -1: the broker's num.partitions")
	f.Int16VarP(&replicas, "replicas", "r", -1, "replicas of each; -1: the broker's default.replication.factor")
	f.StringArrayVar(&set, "set", nil, "configuration KEY=VALUE, repeatable")
	f.BoolVar(&ifMissing, "if-not-exists", false, "a topic that exists is no error")
	f.BoolVar(&dryRun, "dry-run", false, "check, create nothing")
	return cmd
}

func errorIs(err error, code *kerr.Error) bool {
	k, ok := err.(*kerr.Error)
	return ok && k.Code == code.Code
}

// withMessage is an error of a topic with the broker's own words.
func withMessage(topic string, err error, message string) error {
	if message != "" {
		return fmt.Errorf("%s: %s: %w", topic, message, err)
	}
	return fmt.Errorf("%s: %w", topic, err)
}

// pairs reads KEY=VALUE flags.
func pairs(set []string) (map[string]*string, error) {
	out := map[string]*string{}
	for _, s := range set {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return nil, errcode.New(errcode.Usage, "--set %s is not KEY=VALUE", s)
		}
		out[key] = &value
	}
	return out, nil
}

func (a *app) topicAlter() *cobra.Command {
	set, unset, partitions := []string{}, []string{}, 0
	cmd := &cobra.Command{
		Use: "alter NAME", Short: "Change the configuration of a topic, or give it more partitions", Args: cobra.ExactArgs(1),
		Example: "  mainstem topic alter orders --set retention.ms=3600000 --unset segment.ms\n  mainstem topic alter orders -p 12",
		RunE: func(cmd *cobra.Command, args []string) error {
			configs, err := pairs(set)
			if err != nil {
				return err
			}
			var alter []kadm.AlterConfig
			for key, value := range configs {
				alter = append(alter, kadm.AlterConfig{Op: kadm.SetConfig, Name: key, Value: value})
			}
			for _, key := range unset {
				alter = append(alter, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: key})
			}
			if len(alter) == 0 && partitions == 0 {
				return errcode.New(errcode.Usage, "nothing to change: give --set, --unset or --partitions")
			}
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				if len(alter) > 0 {
					done, err := adm.AlterTopicConfigs(ctx, alter, args[0])
					if err != nil {
						return err
					}
					if r := done[0]; r.Err != nil {
						return withMessage(args[0], r.Err, r.ErrMessage)
					}
				}
				if partitions > 0 {
					done, err := adm.UpdatePartitions(ctx, partitions, args[0])
					if err != nil {
						return err
					}
					if r := done[args[0]]; r.Err != nil {
						return withMessage(args[0], r.Err, r.ErrMessage)
					}
				}
				a.notice("altered %s", args[0])
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&set, "set", nil, "configuration KEY=VALUE, repeatable")
	f.StringArrayVar(&unset, "unset", nil, "key that goes back to its default, repeatable")
	f.IntVarP(&partitions, "partitions", "p", 0, "number of partitions to have; never fewer than now")
	return cmd
}

func (a *app) topicDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME...", Aliases: []string{"rm"}, Short: "Delete topics and everything in them", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				records, err := countRecords(ctx, adm, names)
				if err != nil {
					return err
				}
				if err := a.confirm(fmt.Sprintf("This deletes %s with %d records", strings.Join(names, ", "), records)); err != nil {
					return err
				}
				gone, err := adm.DeleteTopics(ctx, names...)
				if err != nil {
					return err
				}
				for _, t := range gone.Sorted() {
					if t.Err != nil {
						return withMessage(t.Topic, t.Err, t.ErrMessage)
					}
					a.notice("deleted %s", t.Topic)
				}
				return nil
			})
		},
	}
}

// countRecords is how many offsets lie between start and end of topics; an unknown topic is an error.
func countRecords(ctx context.Context, adm *kadm.Client, names []string) (n int64, err error) {
	rows, err := offsetsOf(ctx, adm, names)
	for _, r := range rows {
		n += r.End - r.Start
	}
	return n, err
}
