package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

func (a *app) aclCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "acl", Aliases: []string{"acls"}, Short: "List, create and delete ACLs"}
	cmd.AddCommand(a.aclList(), a.aclCreate(), a.aclDelete())
	return cmd
}

// aclRow is a binding.
type aclRow struct {
	Principal  string `json:"principal"`
	Permission string `json:"permission"`
	Operation  string `json:"operation"`
	Resource   string `json:"resource"`
	Name       string `json:"name"`
	Pattern    string `json:"pattern"`
	Host       string `json:"host"`
}

// aclFlags say which ACLs: those to make, or a filter.
type aclFlags struct {
	topic, group, transactionalID, token, user string
	cluster, prefix                            bool
	allow, deny                                []string
	hosts, operations                          []string
}

func (f *aclFlags) define(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.topic, "topic", "", "a topic, or * for every one")
	fl.StringVar(&f.group, "group", "", "a consumer group, or *")
	fl.StringVar(&f.transactionalID, "transactional-id", "", "a transactional id, or *")
	fl.StringVar(&f.token, "delegation-token", "", "a delegation token's id, or *")
	fl.StringVar(&f.user, "user-principal", "", "a user whose tokens are meant, as User:name, or *")
	fl.BoolVar(&f.cluster, "cluster", false, "the cluster itself")
	fl.BoolVar(&f.prefix, "prefix", false, "every name that begins so")
	fl.StringSliceVar(&f.allow, "allow", nil, "principals to allow, as User:alice; User:* is everybody")
	fl.StringSliceVar(&f.deny, "deny", nil, "principals to deny; a deny beats every allow")
	fl.StringSliceVar(&f.hosts, "host", nil, "addresses or networks (10.0.0.0/8) that clients come from; default every one")
	fl.StringSliceVar(&f.operations, "operation", nil, "read, write, create, delete, alter, describe, cluster-action, describe-configs, alter-configs, idempotent-write, all")
}

// resource is what the flags name; ok is false when they name nothing.
func (f *aclFlags) resource() (kind kmsg.ACLResourceType, name string, ok bool, err error) {
	named := 0
	for _, r := range []struct {
		kind kmsg.ACLResourceType
		name string
	}{
		{kmsg.ACLResourceTypeTopic, f.topic}, {kmsg.ACLResourceTypeGroup, f.group}, {kmsg.ACLResourceTypeTransactionalId, f.transactionalID},
		{kmsg.ACLResourceTypeDelegationToken, f.token}, {kmsg.ACLResourceTypeUser, f.user},
	} {
		if r.name != "" {
			kind, name, named = r.kind, r.name, named+1
		}
	}
	if f.cluster {
		kind, name, named = kmsg.ACLResourceTypeCluster, "kafka-cluster", named+1
	}
	if named > 1 {
		return 0, "", false, errcode.New(errcode.Usage, "one resource at a time: a topic, a group, a transactional id or the cluster")
	}
	return kind, name, named == 1, nil
}

func (f *aclFlags) pattern() kmsg.ACLResourcePatternType {
	if f.prefix {
		return kmsg.ACLResourcePatternTypePrefixed
	}
	return kmsg.ACLResourcePatternTypeLiteral
}

func operationsOf(names []string) (out []kmsg.ACLOperation, err error) {
	for _, n := range names {
		op, err := kmsg.ParseACLOperation(strings.ReplaceAll(n, "-", "_"))
		if err != nil || op < kmsg.ACLOperationAll {
			return nil, errcode.New(errcode.Usage, "--operation %s is none", n)
		}
		out = append(out, op)
	}
	return out, nil
}

// bindings are the ACLs that the flags spell out.
func (f *aclFlags) bindings() (out []kmsg.CreateACLsRequestCreation, err error) {
	kind, name, ok, err := f.resource()
	if err != nil {
		return nil, err
	}
	ops, err := operationsOf(f.operations)
	if err != nil {
		return nil, err
	}
	if !ok || len(ops) == 0 || len(f.allow)+len(f.deny) == 0 {
		return nil, errcode.New(errcode.Usage, "give a resource (--topic, --group, ...), --operation, and --allow or --deny")
	}
	hosts := f.hosts
	if len(hosts) == 0 {
		hosts = []string{"*"}
	}
	for permission, principals := range map[kmsg.ACLPermissionType][]string{kmsg.ACLPermissionTypeAllow: f.allow, kmsg.ACLPermissionTypeDeny: f.deny} {
		for _, p := range principals {
			for _, h := range hosts {
				for _, op := range ops {
					c := kmsg.NewCreateACLsRequestCreation()
					c.ResourceType, c.ResourceName, c.ResourcePatternType = kind, name, f.pattern()
					c.Principal, c.Host, c.Operation, c.PermissionType = p, h, op, permission
					out = append(out, c)
				}
			}
		}
	}
	return out, nil
}

// filters find the ACLs that the flags speak of; what they leave out is everything.
func (f *aclFlags) filters() (out []kmsg.DeleteACLsRequestFilter, err error) {
	kind, name, ok, err := f.resource()
	if err != nil {
		return nil, err
	}
	ops, err := operationsOf(f.operations)
	if err != nil {
		return nil, err
	}
	base := kmsg.NewDeleteACLsRequestFilter()
	base.ResourceType, base.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	base.Operation, base.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	if ok {
		base.ResourceType, base.ResourceName, base.ResourcePatternType = kind, &name, f.pattern()
	}
	out = []kmsg.DeleteACLsRequestFilter{base}
	split := func(n int, set func(filter *kmsg.DeleteACLsRequestFilter, i int)) {
		if n == 0 {
			return
		}
		var next []kmsg.DeleteACLsRequestFilter
		for _, filter := range out {
			for i := range n {
				filter := filter
				set(&filter, i)
				next = append(next, filter)
			}
		}
		out = next
	}
	split(len(f.allow)+len(f.deny), func(filter *kmsg.DeleteACLsRequestFilter, i int) {
		if filter.PermissionType = kmsg.ACLPermissionTypeAllow; i < len(f.allow) {
			filter.Principal = &f.allow[i]
			return
		}
		filter.PermissionType, filter.Principal = kmsg.ACLPermissionTypeDeny, &f.deny[i-len(f.allow)]
	})
	split(len(f.hosts), func(filter *kmsg.DeleteACLsRequestFilter, i int) { filter.Host = &f.hosts[i] })
	split(len(ops), func(filter *kmsg.DeleteACLsRequestFilter, i int) { filter.Operation = ops[i] })
	return out, nil
}

// ask runs do with a client, within --timeout.
func (a *app) ask(ctx context.Context, do func(ctx context.Context, cl *kgo.Client) error) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if err := a.reach(ctx, cl); err != nil {
		return err
	}
	return do(ctx, cl)
}

// failed is the error of a code with the broker's words.
func failed(what string, code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err == nil {
		return nil
	}
	words := ""
	if message != nil {
		words = *message
	}
	return withMessage(what, err, words)
}

// find lists the ACLs that filters find, each once.
func find(ctx context.Context, cl *kgo.Client, filters []kmsg.DeleteACLsRequestFilter) (rows []aclRow, err error) {
	seen := map[aclRow]bool{}
	for _, f := range filters {
		req := kmsg.NewPtrDescribeACLsRequest()
		req.ResourceType, req.ResourceName, req.ResourcePatternType = f.ResourceType, f.ResourceName, f.ResourcePatternType
		req.Principal, req.Host, req.Operation, req.PermissionType = f.Principal, f.Host, f.Operation, f.PermissionType
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return nil, err
		}
		if err := failed("list ACLs", resp.ErrorCode, resp.ErrorMessage); err != nil {
			return nil, err
		}
		for _, r := range resp.Resources {
			for _, b := range r.ACLs {
				row := aclRow{b.Principal, b.PermissionType.String(), b.Operation.String(), r.ResourceType.String(), r.ResourceName, r.ResourcePatternType.String(), b.Host}
				if !seen[row] {
					seen[row], rows = true, append(rows, row)
				}
			}
		}
	}
	return rows, nil
}

func (a *app) aclList() *cobra.Command {
	f := &aclFlags{}
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List ACLs; flags narrow the list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filters, err := f.filters()
			if err != nil {
				return err
			}
			return a.ask(cmd.Context(), func(ctx context.Context, cl *kgo.Client) error {
				rows, err := find(ctx, cl, filters)
				if err != nil {
					return err
				}
				return output.Print(a.env.Stdout, a.format, rows)
			})
		},
	}
	f.define(cmd)
	return cmd
}

func (a *app) aclCreate() *cobra.Command {
	f := &aclFlags{}
	cmd := &cobra.Command{
		Use: "create", Short: "Create ACLs: one for each principal, host and operation", Args: cobra.NoArgs,
		Example: "  mainstem acl create --allow User:alice --operation read,describe --topic orders\n" +
			"  mainstem acl create --allow User:alice --operation read --group billing- --prefix\n" +
			"  mainstem acl create --deny 'User:*' --host 10.1.0.0/16 --operation write --topic '*'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			bindings, err := f.bindings()
			if err != nil {
				return err
			}
			return a.ask(cmd.Context(), func(ctx context.Context, cl *kgo.Client) error {
				req := kmsg.NewPtrCreateACLsRequest()
				req.Creations = bindings
				resp, err := req.RequestWith(ctx, cl)
				if err != nil {
					return err
				}
				for _, r := range resp.Results {
					if err := failed("create an ACL", r.ErrorCode, r.ErrorMessage); err != nil {
						return err
					}
				}
				a.notice("created %d ACLs", len(resp.Results))
				return nil
			})
		},
	}
	f.define(cmd)
	return cmd
}

func (a *app) aclDelete() *cobra.Command {
	f := &aclFlags{}
	cmd := &cobra.Command{
		Use: "delete", Aliases: []string{"rm"}, Short: "Delete the ACLs that the flags find", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filters, err := f.filters()
			if err != nil {
				return err
			}
			return a.ask(cmd.Context(), func(ctx context.Context, cl *kgo.Client) error {
				rows, err := find(ctx, cl, filters)
				if err != nil || len(rows) == 0 {
					return err
				}
				if err := a.confirm(fmt.Sprintf("This deletes %d ACLs", len(rows))); err != nil {
					return err
				}
				req := kmsg.NewPtrDeleteACLsRequest()
				req.Filters = filters
				resp, err := req.RequestWith(ctx, cl)
				if err != nil {
					return err
				}
				n := 0
				for _, r := range resp.Results {
					if err := failed("delete ACLs", r.ErrorCode, r.ErrorMessage); err != nil {
						return err
					}
					n += len(r.MatchingACLs)
				}
				a.notice("deleted %d ACLs", n)
				return nil
			})
		},
	}
	f.define(cmd)
	return cmd
}
