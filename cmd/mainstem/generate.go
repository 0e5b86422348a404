package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

func (a *app) generateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "generate", Short: "Write reference pages made from tables in the code"}
	dir := "docs/reference"
	docs := &cobra.Command{
		Use: "docs", Short: "Write the reference pages", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			metrics, err := metricsPage(cmd.Context())
			if err != nil {
				return fmt.Errorf("look at a broker's metrics: %w", err)
			}
			for name, page := range map[string]string{"configuration.md": configurationPage(), "errors.md": errorsPage(), "cli.md": a.cliPage(), "metrics.md": metrics} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(page), 0o600); err != nil {
					return err
				}
			}
			return nil
		},
	}
	docs.Flags().StringVar(&dir, "dir", dir, "where the pages go")
	cmd.AddCommand(docs)
	return cmd
}

const generated = "<!-- Made by `make generate` from tables in the code. Do not edit. -->\n\n"

// configurationPage lists every configuration key.
func configurationPage() string {
	var b bytes.Buffer
	b.WriteString("# Configuration\n\n" + generated)
	b.WriteString("Keys have Apache Kafka's names wherever the meaning is equal. They come from a file (`--config`, YAML or\n" +
		"`server.properties`), the environment (`MAINSTEM_LOG_RETENTION_MS`) or flags (`--set KEY=VALUE`), nearest last.\n" +
		"`mainstem config explain KEY` says the same as this page. Bold keys are no keys of Apache Kafka.\n")
	for _, scope := range []string{"broker", "topic", "group", "client-metrics"} {
		fmt.Fprintf(&b, "\n## %s keys\n\n| key | type | default | values | changes | meaning |\n| --- | --- | --- | --- | --- | --- |\n", strings.ToUpper(scope[:1])+scope[1:])
		for _, k := range broker.Keys() {
			if k.Scope == scope && k.Ignored == "" && k.Refused == "" {
				fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", keyName(k), strings.ToLower(k.Type), defaultText(k), k.Range, k.Change, cell(k.Doc))
			}
		}
	}
	b.WriteString("\n## Accepted and ignored\n\nThey have no effect; the broker logs each once with the reason.\n\n| key | reason |\n| --- | --- |\n")
	for _, k := range broker.Keys() {
		if k.Ignored != "" {
			fmt.Fprintf(&b, "| `%s` | %s |\n", k.Name, cell(k.Ignored))
		}
	}
	b.WriteString("\n## Refused\n\nSet to anything but their default they stop the start.\n\n| key | reason |\n| --- | --- |\n")
	for _, k := range broker.Keys() {
		if k.Refused != "" {
			fmt.Fprintf(&b, "| `%s` | %s |\n", k.Name, cell(k.Refused))
		}
	}
	return b.String()
}

func keyName(k broker.Key) string {
	if k.Ours {
		return "**`" + k.Name + "`**"
	}
	return "`" + k.Name + "`"
}

func defaultText(k broker.Key) string {
	if k.KafkaDefault != "" {
		return cell(k.Default) + " (Kafka: " + cell(k.KafkaDefault) + ")"
	}
	return cell(k.Default)
}

// cell keeps text from breaking a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }

// errorsPage lists every error code.
func errorsPage() string {
	var b bytes.Buffer
	b.WriteString("# Errors\n\n" + generated + "Every error that a command prints has a code. `mainstem explain CODE` says the same as this page.\n")
	for _, c := range errcode.All() {
		fmt.Fprintf(&b, "\n## %s\n\n%s (exit code %d)\n\nLikely causes:\n\n", c.ID, c.Summary, c.Exit)
		for _, cause := range c.Causes {
			fmt.Fprintf(&b, "- %s\n", cause)
		}
		b.WriteString("\nWhat to do:\n\n")
		for _, n := range c.Next {
			fmt.Fprintf(&b, "- %s\n", n)
		}
	}
	return b.String()
}

// cliPage lists every command with its flags.
func (a *app) cliPage() string {
	var b bytes.Buffer
	b.WriteString("# Commands\n\n" + generated)
	b.WriteString("Exit codes: 0 ok, 1 failed, 2 usage or bad configuration, 3 checked and found problems, 4 not found, 5 not allowed,\n" +
		"6 unreachable or timed out, 7 conflict, 130 interrupted.\n\n## Global flags\n\n")
	root := a.root()
	flagTable(&b, root.PersistentFlags())
	commandPages(&b, root)
	return b.String()
}

func commandPages(b *bytes.Buffer, cmd *cobra.Command) {
	children := slices.Clone(cmd.Commands())
	slices.SortFunc(children, func(x, y *cobra.Command) int { return strings.Compare(x.Name(), y.Name()) })
	for _, c := range children {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if c.Runnable() {
			fmt.Fprintf(b, "\n## %s\n\n```\n%s\n```\n\n%s\n", c.CommandPath(), strings.TrimSuffix(c.UseLine(), " [flags]"), firstOf(c.Long, c.Short))
			if c.Example != "" {
				fmt.Fprintf(b, "\n```\n%s\n```\n", c.Example)
			}
			if c.LocalNonPersistentFlags().HasFlags() {
				b.WriteString("\n")
				flagTable(b, c.LocalNonPersistentFlags())
			}
		}
		commandPages(b, c)
	}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func flagTable(b *bytes.Buffer, flags *pflag.FlagSet) {
	b.WriteString("| flag | default | meaning |\n| --- | --- | --- |\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		def := f.DefValue
		if def != "" && def != "[]" {
			def = "`" + def + "`"
		} else {
			def = ""
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, def, cell(f.Usage))
	})
}
