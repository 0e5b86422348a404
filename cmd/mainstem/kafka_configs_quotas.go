package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// kafka-configs of users, clients and addresses: their quotas, and the SCRAM credentials of users.

// quotaTypes are the types of kafka-configs as quotas name them.
var quotaTypes = map[string]string{"users": "user", "clients": "client-id", "ips": "ip"}

func adminOf(cl *kgo.Client) *kadm.Client { return kadm.NewClient(cl) }

func (f *configsTool) describeClients(ctx context.Context, cl *kgo.Client) error {
	adm := adminOf(cl)
	var filter []kadm.DescribeClientQuotaComponent
	for i, kind := range f.types {
		c := kadm.DescribeClientQuotaComponent{Type: quotaTypes[kind], MatchType: 2} // any
		if i < len(f.names) {
			if c.MatchType = 1; f.names[i] != "" { // the default, or a name
				c.MatchType, c.MatchName = 0, &f.names[i]
			}
		}
		filter = append(filter, c)
	}
	found, err := adm.DescribeClientQuotas(ctx, true, filter)
	if err != nil {
		return err
	}
	for _, q := range found {
		var values []string
		for _, v := range q.Values {
			values = append(values, v.Key+"="+javaDouble(v.Value))
		}
		slices.Sort(values)
		fmt.Fprintf(f.env.Stdout, "Quota configs for %s are %s\n", quotaEntityText(q.Entity), strings.Join(values, ", "))
	}
	if len(f.types) > 1 || f.types[0] != "users" || slices.Contains(f.names, "") {
		return nil
	}
	return f.describeCredentials(ctx, adm)
}

func (f *configsTool) describeCredentials(ctx context.Context, adm *kadm.Client) error {
	users, err := adm.DescribeUserSCRAMs(ctx, f.names...)
	if err != nil {
		return err
	}
	for _, u := range users.Sorted() {
		var credentials []string
		for _, c := range u.CredInfos {
			credentials = append(credentials, fmt.Sprintf("%s=iterations=%d", c.Mechanism, c.Iterations))
		}
		if len(credentials) > 0 { // a user without any is none, and no error
			fmt.Fprintf(f.env.Stdout, "SCRAM credential configs for user-principal '%s' are %s\n", u.User, strings.Join(credentials, ", "))
		}
	}
	return nil
}

func quotaEntityText(entity kadm.ClientQuotaEntity) string {
	var parts []string
	for _, c := range entity {
		kind := c.Type
		if kind == "user" {
			kind = "user-principal"
		}
		if c.Name == nil {
			parts = append(parts, "the default "+kind)
		} else {
			parts = append(parts, fmt.Sprintf("%s '%s'", kind, *c.Name))
		}
	}
	slices.SortFunc(parts, func(x, y string) int { return strings.Compare(y, x) }) // the user before the client
	return strings.Join(parts, ", ")
}

// javaDouble writes a number as Java does: 1048576.0, and 1.0E7 from ten millions on.
func javaDouble(v float64) string {
	if v < 1e7 && v > -1e7 {
		if s := strconv.FormatFloat(v, 'f', -1, 64); strings.Contains(s, ".") {
			return s
		}
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'E', -1, 64), "E+")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	return mantissa + "E" + strings.TrimLeft(exponent, "0")
}

// alterClients sets and removes quotas, and credentials where a key is a SCRAM mechanism.
func (f *configsTool) alterClients(ctx context.Context, cl *kgo.Client, set [][2]string) error {
	var ops []kadm.AlterClientQuotaOp
	var upserts []kadm.UpsertSCRAM
	var gone []kadm.DeleteSCRAM
	for _, kv := range set {
		if m, ok := scramMechanisms[kv[0]]; ok {
			u, err := credential(f.names[0], m, kv[1])
			if err != nil {
				return err
			}
			upserts = append(upserts, u)
			continue
		}
		value, err := strconv.ParseFloat(kv[1], 64)
		if err != nil {
			return errcode.New(errcode.Usage, "Cannot parse quota configuration value for %s: %s", kv[0], kv[1])
		}
		ops = append(ops, kadm.AlterClientQuotaOp{Key: kv[0], Value: value})
	}
	for _, key := range f.remove {
		if m, ok := scramMechanisms[key]; ok {
			gone = append(gone, kadm.DeleteSCRAM{User: f.names[0], Mechanism: m})
		} else {
			ops = append(ops, kadm.AlterClientQuotaOp{Key: key, Remove: true})
		}
	}
	if len(upserts)+len(gone) > 0 {
		if err := f.alterCredentials(ctx, cl, gone, upserts); err != nil {
			return err
		}
	}
	if len(ops) > 0 {
		if err := f.alterQuotas(ctx, cl, ops); err != nil {
			return err
		}
	}
	f.updated()
	return nil
}

// credential reads [iterations=8192,password=secret].
func credential(user string, m kadm.ScramMechanism, text string) (kadm.UpsertSCRAM, error) {
	u := kadm.UpsertSCRAM{User: user, Mechanism: m, Iterations: 4096}
	if before, password, ok := strings.Cut(text, "password="); ok {
		u.Password = password
		if n, err := strconv.ParseInt(strings.Trim(strings.TrimPrefix(before, "iterations="), ","), 10, 32); err == nil {
			u.Iterations = int32(n)
		} else if before != "" {
			return u, errcode.New(errcode.Usage, "%s is not iterations=NUMBER,password=TEXT", before)
		}
	}
	if u.Password == "" || user == "" {
		return u, errcode.New(errcode.Usage, "a SCRAM credential needs a user's name and a password: [iterations=4096,password=TEXT]")
	}
	return u, nil
}

func (f *configsTool) alterCredentials(ctx context.Context, cl *kgo.Client, gone []kadm.DeleteSCRAM, upserts []kadm.UpsertSCRAM) error {
	if len(f.types) > 1 || f.types[0] != "users" {
		return errcode.New(errcode.Usage, "only --entity-type users has SCRAM credentials")
	}
	done, err := adminOf(cl).AlterUserSCRAMs(ctx, gone, upserts)
	if err != nil {
		return err
	}
	for _, u := range done.Sorted() {
		if u.Err != nil {
			return withMessage("user "+u.User, u.Err, u.ErrMessage)
		}
	}
	return nil
}

func (f *configsTool) alterQuotas(ctx context.Context, cl *kgo.Client, ops []kadm.AlterClientQuotaOp) error {
	var entity kadm.ClientQuotaEntity
	for i, kind := range f.types {
		c := kadm.ClientQuotaEntityComponent{Type: quotaTypes[kind]}
		if f.names[i] != "" {
			c.Name = &f.names[i]
		}
		entity = append(entity, c)
	}
	done, err := adminOf(cl).AlterClientQuotas(ctx, []kadm.AlterClientQuotaEntry{{Entity: entity, Ops: ops}})
	if err != nil {
		return err
	}
	for _, d := range done {
		if d.Err != nil {
			return withMessage(entityText(entity), d.Err, d.ErrMessage)
		}
	}
	return nil
}
