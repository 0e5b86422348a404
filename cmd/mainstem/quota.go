package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

func (a *app) quotaCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "quota", Aliases: []string{"quotas"}, Short: "List, set and remove client quotas"}
	cmd.AddCommand(a.quotaList(), a.quotaCreate(), a.quotaDelete())
	return cmd
}

// quotaRow is one value of an entity.
type quotaRow struct {
	Entity string  `json:"entity"`
	Key    string  `json:"key"`
	Value  float64 `json:"value"`
}

// defaultEntity is how people name the default of a type.
const defaultEntity = "<default>"

// entityFlags name an entity: a user, a client id, both, or an address.
type entityFlags struct{ user, client, ip string }

func (f *entityFlags) define(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.user, "user", "", "a user's name, or '"+defaultEntity+"' for users without a quota of their own")
	fl.StringVar(&f.client, "client-id", "", "a client id, or '"+defaultEntity+"'")
	fl.StringVar(&f.ip, "ip", "", "an address, or '"+defaultEntity+"'; for connection_creation_rate")
}

func (f *entityFlags) each(do func(kind, name string)) {
	for _, e := range [][2]string{{"user", f.user}, {"client-id", f.client}, {"ip", f.ip}} {
		if e[1] != "" {
			do(e[0], e[1])
		}
	}
}

// entity is what the flags name.
func (f *entityFlags) entity() (out kadm.ClientQuotaEntity, err error) {
	f.each(func(kind, name string) {
		c := kadm.ClientQuotaEntityComponent{Type: kind}
		if name != defaultEntity {
			c.Name = &name
		}
		out = append(out, c)
	})
	if len(out) == 0 {
		return nil, errcode.New(errcode.Usage, "whose quota? Give --user, --client-id, both, or --ip")
	}
	return out, nil
}

func entityText(e kadm.ClientQuotaEntity) string {
	var parts []string
	for _, c := range e {
		parts = append(parts, c.String())
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

func (a *app) quotaList() *cobra.Command {
	f := &entityFlags{}
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List quotas; flags narrow the list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var filter []kadm.DescribeClientQuotaComponent
			f.each(func(kind, name string) {
				c := kadm.DescribeClientQuotaComponent{Type: kind, MatchName: &name}
				if name == defaultEntity {
					c.MatchName, c.MatchType = nil, 1
				}
				filter = append(filter, c)
			})
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				found, err := adm.DescribeClientQuotas(ctx, false, filter)
				if err != nil {
					return err
				}
				var rows []quotaRow
				for _, q := range found {
					for _, v := range q.Values {
						rows = append(rows, quotaRow{entityText(q.Entity), v.Key, v.Value})
					}
				}
				slices.SortFunc(rows, func(x, y quotaRow) int { return strings.Compare(x.Entity+" "+x.Key, y.Entity+" "+y.Key) })
				return output.Print(a.env.Stdout, a.format, rows)
			})
		},
	}
	f.define(cmd)
	return cmd
}

// alterQuota changes one entity and says what was done.
func (a *app) alterQuota(cmd *cobra.Command, f *entityFlags, ops []kadm.AlterClientQuotaOp, what string) error {
	entity, err := f.entity()
	if err != nil {
		return err
	}
	return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
		done, err := adm.AlterClientQuotas(ctx, []kadm.AlterClientQuotaEntry{{Entity: entity, Ops: ops}})
		if err != nil {
			return err
		}
		for _, d := range done {
			if d.Err != nil {
				return withMessage(entityText(entity), d.Err, d.ErrMessage)
			}
		}
		a.notice("%s for %s", what, entityText(entity))
		return nil
	})
}

func (a *app) quotaCreate() *cobra.Command {
	f, set := &entityFlags{}, []string{}
	cmd := &cobra.Command{
		Use: "create", Aliases: []string{"set"}, Short: "Set quotas of a user, a client id, both, or an address", Args: cobra.NoArgs,
		Long: `Set quotas. Keys: producer_byte_rate and consumer_byte_rate (bytes a second), request_percentage, controller_mutation_rate
(partitions a second); for an address connection_creation_rate (a second).`,
		Example: "  mainstem quota create --user alice --set producer_byte_rate=1048576\n  mainstem quota create --client-id '<default>' --set request_percentage=50",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var ops []kadm.AlterClientQuotaOp
			for _, s := range set {
				key, text, ok := strings.Cut(s, "=")
				value, err := strconv.ParseFloat(text, 64)
				if !ok || err != nil {
					return errcode.New(errcode.Usage, "--set %s is not KEY=NUMBER", s)
				}
				ops = append(ops, kadm.AlterClientQuotaOp{Key: key, Value: value})
			}
			if len(ops) == 0 {
				return errcode.New(errcode.Usage, "which quota? Give --set KEY=NUMBER")
			}
			return a.alterQuota(cmd, f, ops, "set "+strings.Join(set, ", "))
		},
	}
	f.define(cmd)
	cmd.Flags().StringArrayVar(&set, "set", nil, "KEY=NUMBER, repeatable")
	return cmd
}

func (a *app) quotaDelete() *cobra.Command {
	f, keys := &entityFlags{}, []string{}
	cmd := &cobra.Command{
		Use: "delete", Aliases: []string{"rm"}, Short: "Remove quotas of an entity", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(keys) == 0 {
				return errcode.New(errcode.Usage, "which quota? Give --key, repeatable")
			}
			var ops []kadm.AlterClientQuotaOp
			for _, k := range keys {
				ops = append(ops, kadm.AlterClientQuotaOp{Key: k, Remove: true})
			}
			return a.alterQuota(cmd, f, ops, "removed "+strings.Join(keys, ", "))
		},
	}
	f.define(cmd)
	cmd.Flags().StringArrayVar(&keys, "key", nil, "the quota to remove, repeatable")
	return cmd
}
