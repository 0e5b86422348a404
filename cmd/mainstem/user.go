package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

func (a *app) userCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Aliases: []string{"users"}, Short: "List, create and delete SCRAM users"}
	cmd.AddCommand(a.userList(), a.userCreate(), a.userDelete())
	return cmd
}

// scramMechanisms by the names that people type.
var scramMechanisms = map[string]kadm.ScramMechanism{"SCRAM-SHA-256": kadm.ScramSha256, "SCRAM-SHA-512": kadm.ScramSha512}

func mechanismsOf(names []string) (out []kadm.ScramMechanism, err error) {
	for _, n := range names {
		m, ok := scramMechanisms[strings.ToUpper(n)]
		if !ok {
			return nil, errcode.New(errcode.Usage, "--mechanism %s: one of SCRAM-SHA-256, SCRAM-SHA-512", n)
		}
		out = append(out, m)
	}
	return out, nil
}

// userRow is a line of user list.
type userRow struct {
	User       string `json:"user"`
	Mechanism  string `json:"mechanism"`
	Iterations int32  `json:"iterations"`
}

func (a *app) userList() *cobra.Command {
	return &cobra.Command{
		Use: "list [NAME...]", Aliases: []string{"ls"}, Short: "List users with their mechanisms",
		RunE: func(cmd *cobra.Command, names []string) error {
			return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
				users, err := adm.DescribeUserSCRAMs(ctx, names...)
				if err != nil {
					return err
				}
				var rows []userRow
				for _, u := range users.Sorted() {
					if u.Err != nil {
						return withMessage("user "+u.User, u.Err, u.ErrMessage)
					}
					for _, c := range u.CredInfos {
						rows = append(rows, userRow{u.User, c.Mechanism.String(), c.Iterations})
					}
				}
				return output.Print(a.env.Stdout, a.format, rows)
			})
		},
	}
}

func (a *app) userCreate() *cobra.Command {
	password, names, iterations := "", []string{}, int32(4096)
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Create a user, or give one a new password", Args: cobra.ExactArgs(1),
		Long: `Create a user, or give one a new password. The password is salted here: the broker never sees it. Without --password it is
the first line of standard input.`,
		Example: "  echo secret | mainstem user create alice\n  mainstem user create alice --mechanism SCRAM-SHA-256",
		RunE: func(cmd *cobra.Command, args []string) error {
			mechanisms, err := mechanismsOf(names)
			if err != nil {
				return err
			}
			if password == "" {
				if password, err = a.readPassword(args[0]); err != nil {
					return err
				}
			}
			var upserts []kadm.UpsertSCRAM
			for _, m := range mechanisms {
				upserts = append(upserts, kadm.UpsertSCRAM{User: args[0], Mechanism: m, Iterations: iterations, Password: password})
			}
			return a.alterUser(cmd, nil, upserts, "created")
		},
	}
	f := cmd.Flags()
	f.StringVar(&password, "password", "", "the password; better on standard input than on a command line")
	f.StringSliceVar(&names, "mechanism", []string{"SCRAM-SHA-256", "SCRAM-SHA-512"}, "SCRAM-SHA-256, SCRAM-SHA-512 or both")
	f.Int32Var(&iterations, "iterations", iterations, "how much work a guess is, 4096 to 16384")
	return cmd
}

func (a *app) readPassword(user string) (string, error) {
	if terminal(a.env.Stdin) {
		fmt.Fprintf(a.env.Stderr, "Password of %s (it is shown): ", user)
	}
	sc := bufio.NewScanner(a.env.Stdin)
	if !sc.Scan() || sc.Text() == "" {
		return "", errcode.New(errcode.Usage, "there is no password on standard input")
	}
	return sc.Text(), nil
}

// alterUser changes credentials and says what was done.
func (a *app) alterUser(cmd *cobra.Command, gone []kadm.DeleteSCRAM, upserts []kadm.UpsertSCRAM, what string) error {
	return a.admin(cmd.Context(), func(ctx context.Context, adm *kadm.Client) error {
		done, err := adm.AlterUserSCRAMs(ctx, gone, upserts)
		if err != nil {
			return err
		}
		for _, u := range done.Sorted() {
			if u.Err != nil {
				return withMessage("user "+u.User, u.Err, u.ErrMessage)
			}
			a.notice("%s %s", what, u.User)
		}
		return nil
	})
}

func (a *app) userDelete() *cobra.Command {
	names := []string{}
	cmd := &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"}, Short: "Delete a user, or one of its mechanisms", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			mechanisms, err := mechanismsOf(names)
			if err != nil {
				return err
			}
			if err := a.confirm("This deletes the user " + args[0]); err != nil {
				return err
			}
			if len(mechanisms) == 0 {
				if mechanisms, err = a.mechanismsOfUser(cmd.Context(), args[0]); err != nil {
					return err
				}
			}
			var gone []kadm.DeleteSCRAM
			for _, m := range mechanisms {
				gone = append(gone, kadm.DeleteSCRAM{User: args[0], Mechanism: m})
			}
			return a.alterUser(cmd, gone, nil, "deleted")
		},
	}
	cmd.Flags().StringSliceVar(&names, "mechanism", nil, "only this mechanism; default all of them")
	return cmd
}

func (a *app) mechanismsOfUser(ctx context.Context, name string) (out []kadm.ScramMechanism, err error) {
	err = a.admin(ctx, func(ctx context.Context, adm *kadm.Client) error {
		users, err := adm.DescribeUserSCRAMs(ctx, name)
		if err != nil {
			return err
		}
		u := users[name]
		for _, c := range u.CredInfos {
			out = append(out, c.Mechanism)
		}
		if u.Err != nil {
			return withMessage("user "+name, u.Err, u.ErrMessage)
		}
		return nil
	})
	return out, err
}
