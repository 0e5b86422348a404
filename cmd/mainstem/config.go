package main

import (
	"cmp"
	"context"

	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Show and explain configuration"}
	cmd.AddCommand(a.configShow(), a.configExplain())
	return cmd
}

// settingRow is a line of config show --local.
type settingRow struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Origin string `json:"origin"`
	Note   string `json:"note,omitempty"`
}

func (a *app) configShow() *cobra.Command {
	f := &serverFlags{}
	local := false
	id := int32(-1)
	cmd := &cobra.Command{
		Use: "show [KEY...]", Short: "Show a running broker's configuration, or with --local what a start would use",
		Example: "  mainstem config show log.retention.ms\n  mainstem config show --local --config server.properties",
		RunE: func(cmd *cobra.Command, keys []string) error {
			if local || f.config != "" || len(f.set) > 0 {
				return a.showLocal(f, keys)
			}
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				if id < 0 {
					m, err := adm.BrokerMetadata(ctx)
					if err != nil {
						return err
					}
					if len(m.Brokers) > 0 {
						id = m.Brokers[0].NodeID
					}
				}
				all, err := adm.DescribeBrokerConfigs(ctx, id)
				if err != nil {
					return err
				}
				if len(keys) > 0 {
					for i := range all {
						all[i].Configs = slices.DeleteFunc(all[i].Configs, func(c kadm.Config) bool { return !slices.Contains(keys, c.Key) })
					}
				}
				return a.printConfigs(all)
			})
		},
	}
	f.define(cmd)
	cmd.Flags().BoolVar(&local, "local", false, "read file, environment and flags as server would, ask no broker")
	cmd.Flags().Int32Var(&id, "broker", -1, "node id of the broker to ask; -1: any")
	return cmd
}

// showLocal prints what is set and where it came from; a configuration with faults is an error with all of them.
func (a *app) showLocal(f *serverFlags, keys []string) error {
	values, err := f.values(a.env)
	if err != nil {
		return err
	}
	if err := (broker.Config{Values: values}).Validate(); err != nil {
		return err
	}
	var rows []settingRow
	for key, v := range values {
		if len(keys) > 0 && !slices.Contains(keys, key) {
			continue
		}
		row := settingRow{Key: key, Value: v.Text, Origin: v.Origin}
		for _, k := range broker.Explain(key) {
			if k.Ignored != "" {
				row.Note = "ignored: " + k.Ignored
			}
			if k.Type == "PASSWORD" {
				row.Value = "(hidden)"
			}
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(x, y settingRow) int { return cmp.Compare(x.Key, y.Key) })
	return output.Print(a.env.Stdout, a.format, rows)
}

// keyRow is a line of config explain without a key.
type keyRow struct {
	Name    string `json:"name"`
	Scope   string `json:"scope"`
	Type    string `json:"type"`
	Default string `json:"default"`
	Change  string `json:"change"`
	Doc     string `json:"doc" col:"DOC,wide"`
}

func (a *app) configExplain() *cobra.Command {
	return &cobra.Command{
		Use: "explain [KEY]", Short: "Say what a configuration key means; without one, list them all", Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, k := range broker.Keys() {
				if strings.HasPrefix(k.Name, typed) {
					names = append(names, k.Name)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.explainKey(args[0])
			}
			var rows []keyRow
			for _, k := range broker.Keys() {
				rows = append(rows, keyRow{k.Name, k.Scope, strings.ToLower(k.Type), short(k.Default), k.Change, k.Doc})
			}
			return output.Print(a.env.Stdout, a.format, rows)
		},
	}
}

// short keeps a long default from breaking the table.
func short(s string) string {
	if len(s) > 40 {
		return s[:37] + "..."
	}
	return s
}

// count writes a number with thin groups, for people.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}
