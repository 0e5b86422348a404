package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// kafka-acls as of Apache Kafka 4. It deviates in this: --delegation-token, --user-principal and --bootstrap-controller
// are not taken, and a removal is asked about once, not for every resource.

// aclsTool holds the flags of kafka-acls.
type aclsTool struct {
	*kafkaTool
	allow, deny, allowHosts, denyHosts, operations, principals []string
	topics, groups, transactionalIDs                           []string
	pattern                                                    string
	cluster, producer, consumer, idempotent, force             bool
}

func (a *app) kafkaAcls() *cobra.Command {
	f := &aclsTool{}
	t, cmd := a.kafkaCommand("kafka-acls", "kafka-acls.sh: ACLs", map[string]string{
		"authorizer": "--bootstrap-server", "authorizer-properties": "--bootstrap-server", "bootstrap-controller": "--bootstrap-server",
		"delegation-token": "mainstem acl --delegation-token", "user-principal": "mainstem acl --user-principal",
	}, func(_ *kafkaTool, cmd *cobra.Command) error { return f.run(cmd) })
	f.kafkaTool = t
	fl := cmd.Flags()
	fl.StringVar(&t.configFile, "command-config", "", "properties file of the client")
	for _, action := range []string{"add", "remove", "list"} {
		fl.Bool(action, false, action+" ACLs")
	}
	for _, list := range []struct {
		to          *[]string
		name, usage string
	}{
		{&f.allow, "allow-principal", "principal to allow, as User:alice"}, {&f.deny, "deny-principal", "principal to deny"},
		{&f.allowHosts, "allow-host", "host that --allow-principal comes from"}, {&f.denyHosts, "deny-host", "host that --deny-principal comes from"},
		{&f.operations, "operation", "operation, as Read; default All"}, {&f.principals, "principal", "list only this principal's"},
		{&f.topics, "topic", "a topic, or *"}, {&f.groups, "group", "a group, or *"}, {&f.transactionalIDs, "transactional-id", "a transactional id, or *"},
	} {
		fl.StringArrayVar(list.to, list.name, nil, list.usage+"; repeatable")
	}
	fl.StringVar(&f.pattern, "resource-pattern-type", "literal", "literal or prefixed; to list and remove also any and match")
	fl.BoolVar(&f.cluster, "cluster", false, "the cluster itself")
	fl.BoolVar(&f.producer, "producer", false, "what a producer needs on --topic and --transactional-id")
	fl.BoolVar(&f.consumer, "consumer", false, "what a consumer needs on --topic and --group")
	fl.BoolVar(&f.idempotent, "idempotent", false, "with --producer: also idempotent writes")
	fl.BoolVar(&f.force, "force", false, "do not ask before a removal")
	return cmd
}

func (f *aclsTool) run(cmd *cobra.Command) error {
	action, err := oneAction(cmd, "add", "remove", "list")
	if err != nil {
		return err
	}
	f.pattern = strings.ToLower(f.pattern)
	patterns := []string{"literal", "prefixed", "any", "match"}
	if action == "add" {
		patterns = patterns[:2]
	}
	resources := f.resources()
	switch {
	case !slices.Contains(patterns, f.pattern):
		return errcode.New(errcode.Usage, "--resource-pattern-type %s: one of %s", f.pattern, strings.Join(patterns, ", "))
	case action == "list":
		if len(resources) == 0 {
			resources = []aclFlags{{}}
		}
	case len(resources) == 0:
		return errcode.New(errcode.Usage, "You must specify at least one resource: --topic <topic> or --cluster or --group <group> or --transactional-id <id>")
	case (f.producer || f.consumer) && (len(f.topics) == 0 || f.consumer && len(f.groups) == 0):
		return errcode.New(errcode.Usage, "With --producer you must specify a --topic, and with --consumer a --topic and a --group")
	case action == "add" && len(f.allow)+len(f.deny) == 0:
		return errcode.New(errcode.Usage, "You must specify one of: --allow-principal, --deny-principal when trying to add ACLs.")
	}
	return f.ask(cmd.Context(), func(ctx context.Context, cl *kgo.Client) error {
		switch action {
		case "add":
			return f.create(ctx, cl, resources)
		case "remove":
			return f.remove(ctx, cl, resources)
		}
		for i := range resources {
			resources[i].allow, resources[i].deny = f.principals, f.principals
		}
		return f.list(ctx, cl, resources)
	})
}

// resources are what the flags name, each with the operations that are meant on it.
func (f *aclsTool) resources() (out []aclFlags) {
	add := func(r aclFlags, producer, consumer []string) {
		r.prefix, r.operations = f.pattern == "prefixed", f.operations
		if f.producer {
			r.operations = slices.Concat(r.operations, producer)
		}
		if f.consumer {
			r.operations = slices.Concat(r.operations, consumer)
		}
		out = append(out, r)
	}
	for _, t := range f.topics {
		add(aclFlags{topic: t}, []string{"write", "describe", "create"}, []string{"read", "describe"})
	}
	for _, g := range f.groups {
		add(aclFlags{group: g}, nil, []string{"read"})
	}
	for _, id := range f.transactionalIDs {
		add(aclFlags{transactionalID: id}, []string{"write", "describe"}, nil)
	}
	if f.cluster || f.idempotent && f.producer {
		add(aclFlags{cluster: true}, []string{"idempotent-write"}, nil)
		out[len(out)-1].prefix = false
	}
	return out
}

// sides are a resource's ACLs for those allowed and those denied, who may come from different hosts.
func (f *aclsTool) sides(r aclFlags) (out []aclFlags) {
	if len(r.operations) == 0 {
		r.operations = []string{"all"}
	}
	if len(f.allow) > 0 {
		r.allow, r.deny, r.hosts = f.allow, nil, f.allowHosts
		out = append(out, r)
	}
	if len(f.deny) > 0 {
		r.allow, r.deny, r.hosts = nil, f.deny, f.denyHosts
		out = append(out, r)
	}
	return out
}

func (f *aclsTool) create(ctx context.Context, cl *kgo.Client, resources []aclFlags) error {
	req := kmsg.NewPtrCreateACLsRequest()
	for _, r := range resources {
		for _, side := range f.sides(r) {
			made, err := side.bindings()
			if err != nil {
				return err
			}
			req.Creations = append(req.Creations, made...)
		}
	}
	var rows []aclRow
	for _, c := range req.Creations {
		rows = append(rows, aclRow{c.Principal, c.PermissionType.String(), c.Operation.String(), c.ResourceType.String(), c.ResourceName, c.ResourcePatternType.String(), c.Host})
	}
	f.printAcls("Adding ACLs", rows)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	for _, r := range resp.Results {
		if err := failed("create an ACL", r.ErrorCode, r.ErrorMessage); err != nil {
			return err
		}
	}
	return f.list(ctx, cl, bare(resources))
}

// bare are the resources with nothing said about operations.
func bare(resources []aclFlags) (out []aclFlags) {
	for _, r := range resources {
		r.operations = nil
		out = append(out, r)
	}
	return out
}

// filtersOf find the ACLs of resources, with the pattern type that was asked for.
func (f *aclsTool) filtersOf(resources []aclFlags) (out []kmsg.DeleteACLsRequestFilter, err error) {
	for _, r := range resources {
		filters, err := r.filters()
		if err != nil {
			return nil, err
		}
		for _, filter := range filters {
			switch f.pattern {
			case "any":
				filter.ResourcePatternType = kmsg.ACLResourcePatternTypeAny
			case "match":
				filter.ResourcePatternType = kmsg.ACLResourcePatternTypeMatch
			}
			out = append(out, filter)
		}
	}
	return out, nil
}

func (f *aclsTool) list(ctx context.Context, cl *kgo.Client, resources []aclFlags) error {
	filters, err := f.filtersOf(resources)
	if err != nil {
		return err
	}
	rows, err := find(ctx, cl, filters)
	f.printAcls("Current ACLs", rows)
	return err
}

func (f *aclsTool) remove(ctx context.Context, cl *kgo.Client, resources []aclFlags) error {
	var chosen []aclFlags
	for _, r := range resources {
		if len(f.allow)+len(f.deny) == 0 {
			chosen = append(chosen, r) // everybody's
		}
		chosen = append(chosen, f.sides(r)...)
	}
	req := kmsg.NewPtrDeleteACLsRequest()
	var err error
	if req.Filters, err = f.filtersOf(chosen); err != nil {
		return err
	}
	rows, err := find(ctx, cl, req.Filters)
	if err == nil && len(rows) > 0 && !f.force {
		err = f.confirm(fmt.Sprintf("This removes %d ACLs", len(rows)))
	}
	if err != nil {
		return err
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	for _, r := range resp.Results {
		if err := failed("remove ACLs", r.ErrorCode, r.ErrorMessage); err != nil {
			return err
		}
	}
	return f.list(ctx, cl, bare(resources))
}

// printAcls prints ACLs resource by resource.
func (f *aclsTool) printAcls(what string, rows []aclRow) {
	var order []string
	of := map[string][]string{}
	for _, r := range rows {
		resource := fmt.Sprintf("ResourcePattern(resourceType=%s, name=%s, patternType=%s)", r.Resource, r.Name, r.Pattern)
		if of[resource] == nil {
			order = append(order, resource)
		}
		of[resource] = append(of[resource], fmt.Sprintf("(principal=%s, host=%s, operation=%s, permissionType=%s)", r.Principal, r.Host, r.Operation, r.Permission))
	}
	for _, resource := range order {
		fmt.Fprintf(f.env.Stdout, "%s for resource `%s`: \n \t%s \n\n", what, resource, strings.Join(of[resource], "\n\t"))
	}
}
