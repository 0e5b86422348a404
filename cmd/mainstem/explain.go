package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain CODE|CONFIG.KEY", Short: "Say what an error code or a configuration key means, and what to do",
		Example: "  mainstem explain NET-001\n  mainstem explain log.retention.ms",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			code, ok := errcode.Lookup(strings.ToUpper(args[0]))
			if !ok {
				return a.explainKey(args[0])
			}
			fmt.Fprintf(a.env.Stdout, "%s  %s (exit code %d)\n\nlikely causes\n", code.ID, code.Summary, code.Exit)
			for _, c := range code.Causes {
				fmt.Fprintf(a.env.Stdout, "  - %s\n", c)
			}
			fmt.Fprintln(a.env.Stdout, "\nwhat to do")
			for _, n := range code.Next {
				fmt.Fprintf(a.env.Stdout, "  - %s\n", n)
			}
			return nil
		},
	}
}

// explainKey prints everything that the tables say of a configuration key.
func (a *app) explainKey(name string) error {
	keys := broker.Explain(name)
	if len(keys) == 0 {
		e := errcode.New(errcode.ConfigUnknown, "no error code and no configuration key is called %q", name)
		if near := broker.Suggest(name); near != "" {
			e.Next = []string{"did you mean " + near + "?"}
		}
		return e
	}
	for i, k := range keys {
		if i > 0 {
			fmt.Fprintln(a.env.Stdout)
		}
		fmt.Fprintf(a.env.Stdout, "%s  (%s key, %s)\n", k.Name, k.Scope, strings.ToLower(k.Type))
		if k.Doc != "" {
			fmt.Fprintf(a.env.Stdout, "  %s\n", k.Doc)
		}
		for _, row := range [][2]string{
			{"default", k.Default}, {"Kafka's default", k.KafkaDefault}, {"values", k.Range}, {"changes", k.Change}, {"falls back to", k.Synonym},
			{"ignored", k.Ignored}, {"refused", k.Refused},
		} {
			if row[1] != "" {
				fmt.Fprintf(a.env.Stdout, "  %-16s %s\n", row[0], row[1])
			}
		}
	}
	return nil
}
