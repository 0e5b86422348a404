package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

// app is what the commands share: their world and the global flags.
type app struct {
	env     Env
	brokers []string
	x       []string // -X key=value of the client
	format  string
	timeout time.Duration
	yes     bool
	quiet   bool
}

// run executes one command and answers its exit code.
func run(ctx context.Context, env Env) int {
	a := &app{env: env}
	root := a.root()
	root.SetArgs(env.Args)
	err := root.ExecuteContext(ctx)
	return a.report(ctx, err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "mainstem",
		Short: "A durable Kafka-compatible broker in one binary, and the commands to work with any Kafka",
		Long: `Mainstem is a Kafka-compatible broker: an acknowledged record is fsynced and never lost.

  mainstem server --data-dir ./data        start a broker on port 9092
  mainstem topic create orders             make a topic
  mainstem produce orders < lines.txt      write each line as a record
  mainstem consume orders                  read them

Every command but server works against any Kafka.`,
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetIn(a.env.Stdin)
	root.SetOut(a.env.Stdout)
	root.SetErr(a.env.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &errcode.Error{Code: errcode.Usage, What: err.Error(), Next: []string{cmd.CommandPath() + " --help"}}
	})
	f := root.PersistentFlags()
	f.StringSliceVarP(&a.brokers, "brokers", "b", []string{"localhost:9092"}, "brokers to ask, host:port")
	f.StringArrayVarP(&a.x, "client-option", "X", nil, "client option key=value, repeatable; -X list shows them")
	f.StringVar(&a.format, "format", "", "output: "+strings.Join(output.Formats, ", "))
	f.DurationVar(&a.timeout, "timeout", 30*time.Second, "give up after this time")
	f.BoolVar(&a.yes, "yes", false, "do not ask before something is destroyed")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "data only, no notices")
	root.AddGroup(&cobra.Group{ID: "start", Title: "Start:"}, &cobra.Group{ID: "data", Title: "Records:"},
		&cobra.Group{ID: "admin", Title: "Administration:"}, &cobra.Group{ID: "measure", Title: "Measure:"}, &cobra.Group{ID: "help", Title: "Help:"})
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("start", a.serverCommand(), a.demoCommand())
	add("data", a.produceCommand(), a.consumeCommand())
	add("admin", a.topicCommand(), a.groupCommand(), a.txnCommand(), a.clusterCommand(), a.configCommand(), a.userCommand(), a.aclCommand(), a.quotaCommand(), a.schemaCommand())
	add("measure", a.benchCommand())
	add("help", a.explainCommand(), a.versionCommand(), a.generateCommand())
	root.SetHelpCommandGroupID("help")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.fromEnvironment(cmd.Flags()) }
	documentEnvironment(root)
	root.AddGroup(&cobra.Group{ID: "kafka", Title: "Kafka's own names:"})
	root.AddCommand(a.kafkaTopics(), a.kafkaConsoleProducer(), a.kafkaConsoleConsumer(), a.kafkaConsumerGroups(), a.kafkaConfigs(), a.kafkaAcls()) // their flags have no variables
	return root
}

// envName is the environment variable of a flag.
func envName(flag string) string {
	return "MAINSTEM_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags that were not given and whose variable is set.
func (a *app) fromEnvironment(flags *pflag.FlagSet) error {
	var bad error
	flags.VisitAll(func(f *pflag.Flag) {
		v := a.env.Getenv(envName(f.Name))
		if f.Changed || v == "" || f.Name == "set" || f.Name == "help" {
			return
		}
		if err := flags.Set(f.Name, v); err != nil && bad == nil {
			bad = errcode.New(errcode.Usage, "%s=%s: %v", envName(f.Name), v, err)
		}
	})
	return bad
}

// documentEnvironment names each flag's variable in its help.
func documentEnvironment(cmd *cobra.Command) {
	name := func(f *pflag.Flag) {
		if f.Name != "help" && f.Name != "set" && !strings.Contains(f.Usage, "MAINSTEM_") {
			f.Usage += " [" + envName(f.Name) + "]"
		}
	}
	cmd.PersistentFlags().VisitAll(name)
	cmd.Flags().VisitAll(name)
	for _, c := range cmd.Commands() {
		documentEnvironment(c)
	}
}

// notice tells people something that is no data.
func (a *app) notice(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.env.Stderr, format+"\n", args...)
	}
}

// confirm asks before something is lost; without a terminal the answer must have been --yes.
func (a *app) confirm(what string) error {
	if a.yes {
		return nil
	}
	if !terminal(a.env.Stdin) {
		return &errcode.Error{Code: errcode.Usage, What: what + ": not asked for without a terminal", Next: []string{"add --yes when you mean it"}}
	}
	fmt.Fprintf(a.env.Stderr, "%s. Go on? [y/N] ", what)
	var answer string
	_, _ = fmt.Fscanln(a.env.Stdin, &answer)
	if answer != "y" && answer != "yes" {
		return errcode.New(errcode.Failed, "nothing was done")
	}
	return nil
}
