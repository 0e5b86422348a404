package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// kafka-configs as of Apache Kafka 4; kafka_configs_quotas.go has users, clients and addresses. It deviates in this:
// --bootstrap-controller and --add-config-file are not taken, and groups and brokers are described by name only.

// configsTool holds the flags of kafka-configs. The n-th name is of the n-th type.
type configsTool struct {
	*kafkaTool
	types, names repeated
	add, remove  []string
	all          bool
}

// always is a flag that adds texts to lists whenever it is given; the second one is the flag's value where it has one.
type always struct {
	lists []*repeated
	texts []string
}

func (v *always) String() string { return "" }
func (v *always) Type() string   { return "" }
func (v *always) Set(value string) error {
	for i, list := range v.lists {
		*list = append(*list, slices.Concat(v.texts, []string{value})[i])
	}
	return nil
}

func (a *app) kafkaConfigs() *cobra.Command {
	f := &configsTool{}
	t, cmd := a.kafkaCommand("kafka-configs", "kafka-configs.sh: configurations, quotas and SCRAM users", map[string]string{
		"zookeeper": "--bootstrap-server", "bootstrap-controller": "--bootstrap-server", "add-config-file": "--add-config KEY=VALUE,KEY=VALUE",
		"force": "no flag: nothing is asked", "broker-logger": "the broker's own log settings: mainstem config explain",
	}, func(_ *kafkaTool, cmd *cobra.Command) error { return f.run(cmd) })
	f.kafkaTool = t
	fl := cmd.Flags()
	fl.StringVar(&t.configFile, "command-config", "", "properties file of the client")
	fl.Bool("describe", false, "show")
	fl.Bool("alter", false, "change")
	fl.BoolVar(&f.all, "all", false, "also what was never set")
	fl.Var(&f.types, "entity-type", "topics, brokers, groups, users, clients or ips")
	fl.Var(&f.names, "entity-name", "name of the entity")
	fl.Var(&always{[]*repeated{&f.names}, []string{""}}, "entity-default", "the default of the type")
	fl.Lookup("entity-default").NoOptDefVal = "true"
	for _, kind := range []string{"topic", "broker", "group", "user", "client", "ip"} {
		fl.Var(&always{[]*repeated{&f.types, &f.names}, []string{kind + "s"}}, kind, "the same as --entity-type "+kind+"s --entity-name")
	}
	for _, kind := range []string{"broker", "user", "client", "ip"} {
		fl.Var(&always{[]*repeated{&f.types, &f.names}, []string{kind + "s", ""}}, kind+"-defaults", "the same as --entity-type "+kind+"s --entity-default")
		fl.Lookup(kind + "-defaults").NoOptDefVal = "true"
	}
	fl.StringArrayVar(&f.add, "add-config", nil, "KEY=VALUE,KEY=[VALUE,VALUE] to set")
	fl.StringSliceVar(&f.remove, "delete-config", nil, "KEY,KEY to go back to their defaults")
	return cmd
}

func (f *configsTool) run(cmd *cobra.Command) error {
	action, err := oneAction(cmd, "describe", "alter")
	if err != nil {
		return err
	}
	for _, kind := range f.types {
		if !slices.Contains([]string{"topics", "brokers", "groups", "users", "clients", "ips"}, kind) {
			return errcode.New(errcode.Usage, "Invalid entity type %s, the entity type must be one of topics, brokers, groups, users, clients, ips", kind)
		}
	}
	set, err := configPairs(strings.Join(f.add, ","))
	switch {
	case err != nil:
		return err
	case len(f.types) == 0:
		return errcode.New(errcode.Usage, "At least one entity type must be specified")
	case len(f.names) > len(f.types):
		return errcode.New(errcode.Usage, "there are more names than entity types")
	case action == "alter" && len(f.names) < len(f.types):
		return errcode.New(errcode.Usage, "an entity name must be specified with --alter of %s", strings.Join(f.types, ", "))
	case action == "alter" && len(set)+len(f.remove) == 0:
		return errcode.New(errcode.Usage, "At least one of --add-config, --delete-config must be specified with --alter")
	}
	kinds := map[string]kmsg.ConfigResourceType{"topics": kmsg.ConfigResourceTypeTopic, "brokers": kmsg.ConfigResourceTypeBroker, "groups": kmsg.ConfigResourceTypeGroupConfig}
	kind, resource := kinds[f.types[0]]
	if resource && len(f.types) > 1 {
		return errcode.New(errcode.Usage, "Only users and clients go together")
	}
	return f.ask(cmd.Context(), func(ctx context.Context, cl *kgo.Client) error {
		switch {
		case resource && action == "alter":
			return f.alterResource(ctx, cl, kind, set)
		case resource:
			return f.describeResources(ctx, cl, kind)
		case action == "alter":
			return f.alterClients(ctx, cl, set)
		}
		return f.describeClients(ctx, cl)
	})
}

// configPairs reads KEY=VALUE,KEY=[VALUE,VALUE].
func configPairs(text string) (out [][2]string, err error) {
	for text != "" {
		key, rest, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, errcode.New(errcode.Usage, "Invalid entity config: all configs to be added must be in the format \"key=val\" or \"key=[val1,val2]\"")
		}
		value, after, _ := strings.Cut(rest, ",")
		if strings.HasPrefix(rest, "[") {
			if value, after, ok = strings.Cut(rest[1:], "]"); !ok {
				return nil, errcode.New(errcode.Usage, "Invalid entity config: %s= has no closing bracket", key)
			}
			after = strings.TrimPrefix(after, ",")
		}
		out, text = append(out, [2]string{strings.TrimSpace(key), value}), after
	}
	return out, nil
}

func (f *configsTool) alterResource(ctx context.Context, cl *kgo.Client, kind kmsg.ConfigResourceType, set [][2]string) error {
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kind, f.names[0]
	for _, kv := range set {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op, c.Value = kv[0], kmsg.IncrementalAlterConfigOpSet, &kv[1]
		r.Configs = append(r.Configs, c)
	}
	for _, key := range f.remove {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op = key, kmsg.IncrementalAlterConfigOpDelete
		r.Configs = append(r.Configs, c)
	}
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	for _, done := range resp.Resources {
		if err := failed(f.types[0]+" "+f.names[0], done.ErrorCode, done.ErrorMessage); err != nil {
			return err
		}
	}
	f.updated()
	return nil
}

func (f *configsTool) updated() {
	kind, name := strings.TrimSuffix(f.types[0], "s"), f.names[0]
	if name == "" {
		fmt.Fprintf(f.env.Stdout, "Completed updating default config for %s in the cluster.\n", f.types[0])
		return
	}
	fmt.Fprintf(f.env.Stdout, "Completed updating config for %s %s.\n", kind, name)
}

func (f *configsTool) describeResources(ctx context.Context, cl *kgo.Client, kind kmsg.ConfigResourceType) error {
	names := []string(f.names)
	if len(names) == 0 {
		if kind != kmsg.ConfigResourceTypeTopic {
			return errcode.New(errcode.Usage, "--entity-type %s needs --entity-name or --entity-default", f.types[0])
		}
		tool := &topicsTool{kafkaTool: f.kafkaTool}
		topics, err := tool.matching(ctx, adminOf(cl), true)
		if names = namesOf(topics); err != nil || len(names) == 0 {
			return err
		}
	}
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms = true
	for _, name := range names {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kind, name
		req.Resources = append(req.Resources, r)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	for _, r := range resp.Resources {
		if err := failed(f.types[0]+" "+r.ResourceName, r.ErrorCode, r.ErrorMessage); err != nil {
			return err
		}
		f.printResource(r)
	}
	return nil
}

func (f *configsTool) printResource(r kmsg.DescribeConfigsResponseResource) {
	which, kind := "Dynamic", strings.TrimSuffix(f.types[0], "s")
	if f.all {
		which = "All"
	}
	if r.ResourceName == "" {
		fmt.Fprintf(f.env.Stdout, "Default configs for %s in the cluster are:\n", f.types[0])
	} else {
		fmt.Fprintf(f.env.Stdout, "%s configs for %s %s are:\n", which, kind, r.ResourceName)
	}
	slices.SortFunc(r.Configs, func(x, y kmsg.DescribeConfigsResponseResourceConfig) int { return strings.Compare(x.Name, y.Name) })
	for _, c := range r.Configs {
		own := map[string]kmsg.ConfigSource{"topics": kmsg.ConfigSourceDynamicTopicConfig, "brokers": kmsg.ConfigSourceDynamicBrokerConfig, "groups": kmsg.ConfigSourceGroupConfig}[f.types[0]]
		if r.ResourceName == "" {
			own = kmsg.ConfigSourceDynamicDefaultBrokerConfig
		}
		if !f.all && c.Source != own {
			continue
		}
		var synonyms []string
		for _, s := range c.ConfigSynonyms {
			synonyms = append(synonyms, fmt.Sprintf("%s:%s=%s", s.Source, s.Name, textOr(s.Value)))
		}
		fmt.Fprintf(f.env.Stdout, "  %s=%s sensitive=%s synonyms={%s}\n", c.Name, textOr(c.Value), strconv.FormatBool(c.IsSensitive), strings.Join(synonyms, ", "))
	}
}

func textOr(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}
