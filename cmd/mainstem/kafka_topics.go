package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// kafka-topics as of Apache Kafka 4. It deviates in this: --replica-assignment is not taken, and Elr and LastKnownElr
// are always empty, as Kafka prints them for a partition that has none.

// topicsTool holds the flags of kafka-topics.
type topicsTool struct {
	*kafkaTool
	topic                             string
	partitions                        int32
	replicas                          int16
	configs                           []string
	ifExists, ifNotExists, noInternal bool
	underReplicated, unavailable      bool
}

func (a *app) kafkaTopics() *cobra.Command {
	f := &topicsTool{}
	t, cmd := a.kafkaCommand("kafka-topics", "kafka-topics.sh: topics", map[string]string{
		"zookeeper": "--bootstrap-server", "delete-config": "mainstem kafka-configs --delete-config, or mainstem topic alter --unset",
		"replica-assignment": "--replication-factor: the broker places the replicas", "topics-with-overrides": "--describe, which shows Configs",
		"at-min-isr-partitions": "--under-replicated-partitions", "under-min-isr-partitions": "--under-replicated-partitions",
	}, func(_ *kafkaTool, cmd *cobra.Command) error { return f.run(cmd) })
	f.kafkaTool = t
	fl := cmd.Flags()
	fl.StringVar(&t.configFile, "command-config", "", "properties file of the client")
	for _, action := range []string{"list", "describe", "create", "alter", "delete"} {
		fl.Bool(action, false, action+" topics")
	}
	fl.StringVar(&f.topic, "topic", "", "the topic; a regular expression except with --create")
	fl.Int32Var(&f.partitions, "partitions", -1, "number of partitions")
	fl.Int16Var(&f.replicas, "replication-factor", -1, "replicas of each partition")
	fl.StringArrayVar(&f.configs, "config", nil, "KEY=VALUE of a new topic, repeatable")
	fl.BoolVar(&f.ifExists, "if-exists", false, "a topic that does not exist is no error")
	fl.BoolVar(&f.ifNotExists, "if-not-exists", false, "a topic that exists is no error")
	fl.BoolVar(&f.noInternal, "exclude-internal", false, "without the broker's own topics")
	fl.BoolVar(&f.underReplicated, "under-replicated-partitions", false, "describe only partitions with replicas out of sync")
	fl.BoolVar(&f.unavailable, "unavailable-partitions", false, "describe only partitions without a leader")
	return cmd
}

func (f *topicsTool) run(cmd *cobra.Command) error {
	action, err := oneAction(cmd, "list", "describe", "create", "alter", "delete")
	if err != nil {
		return err
	}
	switch {
	case f.topic == "" && action != "list" && action != "describe":
		return errcode.New(errcode.Usage, "Missing required argument \"[topic]\"")
	case action == "alter" && len(f.configs) > 0:
		return &errcode.Error{Code: errcode.Usage, What: "--config can't be used with --alter", Next: []string{"mainstem topic alter NAME --set KEY=VALUE"}}
	case action == "alter" && f.partitions < 1:
		return errcode.New(errcode.Usage, "Missing required argument \"[partitions]\"")
	}
	do := map[string]func(context.Context, *kadm.Client) error{
		"list": f.list, "describe": f.describe, "create": f.create, "alter": f.alter, "delete": f.remove,
	}[action]
	return f.admin(cmd.Context(), do)
}

// matching are the topics whose names --topic matches, sorted; none is an error unless that is allowed.
func (f *topicsTool) matching(ctx context.Context, adm *kadm.Client, noneIsFine bool) (out []kadm.TopicDetail, err error) {
	pattern := f.topic
	if pattern == "" {
		pattern = ".*"
	}
	re, err := includeList(pattern)
	if err != nil {
		return nil, err
	}
	all, err := adm.ListTopicsWithInternal(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range all.Sorted() {
		if re.MatchString(t.Topic) && !(t.IsInternal && f.noInternal) {
			out = append(out, t)
		}
	}
	if len(out) == 0 && f.topic != "" && !noneIsFine && !f.ifExists {
		return nil, errcode.New(errcode.TopicUnknown, "Topic '%s' does not exist as expected", f.topic)
	}
	return out, nil
}

func (f *topicsTool) list(ctx context.Context, adm *kadm.Client) error {
	topics, err := f.matching(ctx, adm, true)
	for _, t := range topics {
		fmt.Fprintln(f.env.Stdout, t.Topic)
	}
	return err
}

func (f *topicsTool) create(ctx context.Context, adm *kadm.Client) error {
	set, err := keyValues("config", f.configs)
	if err != nil {
		return err
	}
	configs := map[string]*string{}
	for key, value := range set {
		configs[key] = &value
	}
	if strings.ContainsAny(f.topic, "._") {
		fmt.Fprintln(f.env.Stdout, "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.")
	}
	made, err := adm.CreateTopics(ctx, f.partitions, f.replicas, configs, f.topic)
	if err != nil {
		return err
	}
	t := made[f.topic]
	switch {
	case t.Err == nil:
		fmt.Fprintf(f.env.Stdout, "Created topic %s.\n", f.topic)
		return nil
	case f.ifNotExists && errorIs(t.Err, kerr.TopicAlreadyExists):
		return nil
	}
	return withMessage(f.topic, t.Err, t.ErrMessage)
}

func (f *topicsTool) alter(ctx context.Context, adm *kadm.Client) error {
	topics, err := f.matching(ctx, adm, false)
	if err != nil || len(topics) == 0 {
		return err
	}
	done, err := adm.UpdatePartitions(ctx, int(f.partitions), namesOf(topics)...)
	if err != nil {
		return err
	}
	for _, t := range done.Sorted() {
		if t.Err != nil {
			return withMessage(t.Topic, t.Err, t.ErrMessage)
		}
	}
	return nil
}

// remove deletes without a question, as Kafka's tool does.
func (f *topicsTool) remove(ctx context.Context, adm *kadm.Client) error {
	topics, err := f.matching(ctx, adm, false)
	if err != nil || len(topics) == 0 {
		return err
	}
	gone, err := adm.DeleteTopics(ctx, namesOf(topics)...)
	if err != nil {
		return err
	}
	for _, t := range gone.Sorted() {
		if t.Err != nil {
			return withMessage(t.Topic, t.Err, t.ErrMessage)
		}
	}
	return nil
}

func namesOf(topics []kadm.TopicDetail) (names []string) {
	for _, t := range topics {
		names = append(names, t.Topic)
	}
	return names
}

func (f *topicsTool) describe(ctx context.Context, adm *kadm.Client) error {
	topics, err := f.matching(ctx, adm, false)
	if err != nil || len(topics) == 0 {
		return err
	}
	all, err := adm.DescribeTopicConfigs(ctx, namesOf(topics)...)
	if err != nil {
		return err
	}
	some := f.underReplicated || f.unavailable
	for _, t := range topics {
		if !some {
			configs, err := all.On(t.Topic, nil)
			if err == nil {
				err = configs.Err
			}
			if err != nil {
				return fmt.Errorf("topic %s: %w", t.Topic, err)
			}
			fmt.Fprintf(f.env.Stdout, "Topic: %s\tTopicId: %s\tPartitionCount: %d\tReplicationFactor: %d\tConfigs: %s\n",
				t.Topic, base64.RawURLEncoding.EncodeToString(t.ID[:]), len(t.Partitions), t.Partitions.NumReplicas(), overrides(configs))
		}
		for _, p := range t.Partitions.Sorted() {
			if !some || f.underReplicated && len(p.ISR) < len(p.Replicas) || f.unavailable && p.Leader < 0 {
				f.printPartition(p)
			}
		}
	}
	return nil
}

func (f *topicsTool) printPartition(p kadm.PartitionDetail) {
	leader := "none"
	if p.Leader >= 0 {
		leader = strconv.Itoa(int(p.Leader))
	}
	fmt.Fprintf(f.env.Stdout, "\tTopic: %s\tPartition: %d\tLeader: %s\tReplicas: %s\tIsr: %s\tElr: \tLastKnownElr: \n",
		p.Topic, p.Partition, leader, joined(p.Replicas), joined(p.ISR))
}

// overrides are the configurations that are not Kafka's defaults.
func overrides(r kadm.ResourceConfig) string {
	var set []string
	for _, c := range r.Configs {
		if c.Source.String() != "DEFAULT_CONFIG" {
			set = append(set, c.Key+"="+c.MaybeValue())
		}
	}
	return strings.Join(set, ",")
}

func joined(ids []int32) string {
	var out []string
	for _, id := range ids {
		out = append(out, strconv.Itoa(int(id)))
	}
	return strings.Join(out, ",")
}
