package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

// schemas is what the commands of schema share: the registry that they ask.
type schemas struct {
	*app
	url, token, ca string
}

func (a *app) schemaCommand() *cobra.Command {
	s := &schemas{app: a}
	cmd := &cobra.Command{
		Use: "schema", Aliases: []string{"schemas"}, Short: "Schemas of a registry, and data of them",
		Long: "List, show, register, check, compare, move and delete schemas; make and read data of them. The registry may be ours or any\nthat speaks Confluent's interface.",
	}
	cmd.PersistentFlags().StringVar(&s.url, "registry", "http://localhost:8081", "address of the schema registry; http://USER:PASSWORD@HOST logs in")
	cmd.PersistentFlags().StringVar(&s.token, "registry-token", "", "bearer token for the schema registry")
	cmd.PersistentFlags().StringVar(&s.ca, "registry-ca", "", "PEM file of the CA of the schema registry's certificate")
	cmd.AddCommand(s.list(), s.get(), s.register(), s.check(), s.remove(), s.compat(),
		s.mode(), s.diff(), s.validate(), s.encode(), s.decode(), s.export(), s.importAll())
	return cmd
}

func (s *schemas) client() (*sr.Client, error) {
	url := s.url
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	opts := []sr.ClientOpt{sr.URLs(url), sr.UserAgent("mainstem/" + softwareVersion())}
	if s.token != "" {
		opts = append(opts, sr.BearerToken(s.token))
	}
	if s.ca != "" {
		pool, err := pemPool(s.ca)
		if err != nil {
			return nil, err
		}
		opts = append(opts, sr.DialTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	}
	return sr.NewClient(opts...)
}

// ask runs do with a client, within --timeout, and says what a registry's refusal means.
func (s *schemas) ask(ctx context.Context, do func(ctx context.Context, cl *sr.Client) error) error {
	cl, err := s.client()
	if err != nil {
		return errcode.New(errcode.Usage, "--registry %s: %v", s.url, err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err = do(ctx, cl)
	var refused *sr.ResponseError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.ErrorCode != 0:
		return errcode.New(errcode.SchemaRefused, "the registry answers %d: %s", refused.ErrorCode, refused.Message)
	case errors.As(err, &refused):
		return errcode.New(errcode.SchemaUnreachable, "%s is no schema registry: it answers %d", s.url, refused.StatusCode)
	}
	var known *errcode.Error
	if errors.As(err, &known) {
		return err
	}
	return &errcode.Error{Code: errcode.SchemaUnreachable, Tried: s.url, Err: err}
}

// subjectRow is a line of schema list.
type subjectRow struct {
	Subject  string `json:"subject"`
	Versions string `json:"versions"`
	Latest   int    `json:"latest_id" col:"LATEST-ID"`
	Type     string `json:"type"`
}

func (s *schemas) list() *cobra.Command {
	deleted := false
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List subjects with their versions", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.ask(cmd.Context(), func(ctx context.Context, cl *sr.Client) error {
				if deleted {
					ctx = sr.WithParams(ctx, sr.ShowDeleted)
				}
				subjects, err := cl.Subjects(ctx)
				if err != nil {
					return err
				}
				rows := []subjectRow{}
				for _, name := range subjects {
					row, err := subjectLine(ctx, cl, name)
					if err != nil {
						return err
					}
					rows = append(rows, row)
				}
				return output.Print(s.env.Stdout, s.format, rows)
			})
		},
	}
	cmd.Flags().BoolVar(&deleted, "deleted", false, "also those that are deleted softly")
	return cmd
}

func subjectLine(ctx context.Context, cl *sr.Client, name string) (subjectRow, error) {
	versions, err := cl.SubjectVersions(ctx, name)
	if err != nil {
		return subjectRow{}, err
	}
	var all []string
	for _, v := range versions {
		all = append(all, strconv.Itoa(v))
	}
	latest, err := cl.SchemaByVersion(ctx, name, versions[len(versions)-1])
	if err != nil {
		return subjectRow{}, err
	}
	return subjectRow{name, strings.Join(all, ","), latest.ID, latest.Type.String()}, nil
}

func (s *schemas) get() *cobra.Command {
	version, id := "latest", 0
	cmd := &cobra.Command{
		Use: "get [SUBJECT]", Short: "Print a schema, by subject and version or by id", Args: cobra.MaximumNArgs(1),
		Example: "  mainstem schema get orders-value\n  mainstem schema get orders-value --version 3\n  mainstem schema get --id 17",
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (id > 0) {
				return errcode.New(errcode.Usage, "give a subject or --id")
			}
			n := -1
			if version != "latest" {
				var err error
				if n, err = strconv.Atoi(version); err != nil {
					return errcode.New(errcode.Usage, "--version %s: a number or latest", version)
				}
			}
			return s.ask(cmd.Context(), func(ctx context.Context, cl *sr.Client) error {
				var found sr.Schema
				if id > 0 {
					byID, err := cl.SchemaByID(ctx, id)
					if err != nil {
						return err
					}
					found = byID
				} else {
					bySubject, err := cl.SchemaByVersion(ctx, args[0], n)
					if err != nil {
						return err
					}
					found = bySubject.Schema
				}
				_, err := fmt.Fprintln(s.env.Stdout, found.Schema)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&version, "version", version, "version number, or latest")
	cmd.Flags().IntVar(&id, "id", 0, "id instead of a subject")
	return cmd
}

// read reads a schema from a file, or from standard input for -.
func (s *schemas) read(file, format string, refs []string) (sr.Schema, error) {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(s.env.Stdin)
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return sr.Schema{}, errcode.New(errcode.Usage, "read the schema: %v", err)
	}
	out := sr.Schema{Schema: string(text)}
	if err := out.Type.UnmarshalText([]byte(strings.ToUpper(format))); err != nil {
		return sr.Schema{}, errcode.New(errcode.Usage, "--type %s: AVRO, JSON or PROTOBUF", format)
	}
	for _, r := range refs {
		name, rest, ok1 := strings.Cut(r, "=")
		i := strings.LastIndexByte(rest, ':')
		if !ok1 || i < 0 {
			return sr.Schema{}, errcode.New(errcode.Usage, "--reference %s: NAME=SUBJECT:VERSION", r)
		}
		n, err := strconv.Atoi(rest[i+1:])
		if err != nil {
			return sr.Schema{}, errcode.New(errcode.Usage, "--reference %s: NAME=SUBJECT:VERSION", r)
		}
		out.References = append(out.References, sr.SchemaReference{Name: name, Subject: rest[:i], Version: n})
	}
	return out, nil
}

// withSchema is a command that sends a schema from a file for a subject.
func (s *schemas) withSchema(cmd *cobra.Command, do func(ctx context.Context, cl *sr.Client, subject string, schema sr.Schema) error) *cobra.Command {
	subject, format, refs := "", "AVRO", []string{}
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if subject == "" {
			return errcode.New(errcode.Usage, "--subject is missing")
		}
		schema, err := s.read(args[0], format, refs)
		if err != nil {
			return err
		}
		return s.ask(cmd.Context(), func(ctx context.Context, cl *sr.Client) error { return do(ctx, cl, subject, schema) })
	}
	cmd.Flags().StringVar(&subject, "subject", "", "subject, such as orders-value")
	cmd.Flags().StringVar(&format, "type", format, "AVRO, JSON or PROTOBUF")
	cmd.Flags().StringArrayVar(&refs, "reference", nil, "NAME=SUBJECT:VERSION of a schema that this one uses, repeatable")
	return cmd
}

// registeredRow is what schema register prints.
type registeredRow struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
	ID      int    `json:"id"`
}

func (s *schemas) register() *cobra.Command {
	return s.withSchema(&cobra.Command{
		Use: "register FILE", Short: "Register a schema as the next version of a subject", Example: "  mainstem schema register order.avsc --subject orders-value",
	}, func(ctx context.Context, cl *sr.Client, subject string, schema sr.Schema) error {
		made, err := cl.CreateSchema(ctx, subject, schema)
		if err != nil {
			return err
		}
		return output.Print(s.env.Stdout, s.format, []registeredRow{{made.Subject, made.Version, made.ID}})
	})
}

func (s *schemas) check() *cobra.Command {
	return s.withSchema(&cobra.Command{
		Use: "check FILE", Short: "Say whether a schema fits to a subject, and what keeps it from it", Example: "  mainstem schema check order.avsc --subject orders-value",
	}, func(ctx context.Context, cl *sr.Client, subject string, schema sr.Schema) error {
		verdict, err := cl.CheckCompatibility(sr.WithParams(ctx, sr.Verbose), subject, -1, schema)
		if err != nil {
			return err
		}
		if verdict.Is {
			_, err := fmt.Fprintf(s.env.Stdout, "%s fits to the latest version\n", subject)
			return err
		}
		for _, m := range verdict.Messages {
			fmt.Fprintln(s.env.Stdout, m)
		}
		return errcode.New(errcode.SchemaRefused, "the schema does not fit to %s", subject)
	})
}

func (s *schemas) remove() *cobra.Command {
	version, permanent := 0, false
	cmd := &cobra.Command{
		Use: "delete SUBJECT", Short: "Delete a subject or one of its versions, softly or for ever", Args: cobra.ExactArgs(1),
		Long: "Delete a subject or one of its versions. Deleted softly, its ids still resolve. --permanent deletes for ever what is deleted softly.",
		RunE: func(cmd *cobra.Command, args []string) error {
			how := sr.SoftDelete
			if permanent {
				if err := s.confirm("Data with schemas of " + args[0] + " cannot be read any more"); err != nil {
					return err
				}
				how = sr.HardDelete
			}
			return s.ask(cmd.Context(), func(ctx context.Context, cl *sr.Client) error {
				if version > 0 {
					if err := cl.DeleteSchema(ctx, args[0], version, how); err != nil {
						return err
					}
					s.notice("deleted version %d of %s", version, args[0])
					return nil
				}
				gone, err := cl.DeleteSubject(ctx, args[0], how)
				if err != nil {
					return err
				}
				s.notice("deleted %d versions of %s", len(gone), args[0])
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&version, "version", 0, "only this version")
	cmd.Flags().BoolVar(&permanent, "permanent", false, "for ever; it must be deleted softly before")
	return cmd
}

// levelRow is a line of schema compat.
type levelRow struct {
	Subject string `json:"subject"`
	Level   string `json:"level"`
}

func (s *schemas) compat() *cobra.Command {
	set := ""
	cmd := &cobra.Command{
		Use: "compat [SUBJECT...]", Short: "Show or set the compatibility level, of all or of subjects",
		Example: "  mainstem schema compat\n  mainstem schema compat orders-value --set FULL_TRANSITIVE",
		RunE: func(cmd *cobra.Command, subjects []string) error {
			return s.ask(cmd.Context(), func(ctx context.Context, cl *sr.Client) error {
				var results []sr.CompatibilityResult
				if set == "" {
					results = cl.Compatibility(sr.WithParams(ctx, sr.DefaultToGlobal), subjects...)
				} else {
					var level sr.CompatibilityLevel
					if err := level.UnmarshalText([]byte(strings.ToUpper(set))); err != nil {
						return errcode.New(errcode.Usage, "--set %s: NONE, BACKWARD, FORWARD, FULL, or one of these with _TRANSITIVE", set)
					}
					results = cl.SetCompatibility(ctx, sr.SetCompatibility{Level: level}, subjects...)
				}
				var rows []levelRow
				for _, r := range results {
					if r.Err != nil {
						return r.Err
					}
					rows = append(rows, levelRow{r.Subject, r.Level.String()})
				}
				return output.Print(s.env.Stdout, s.format, rows)
			})
		},
	}
	cmd.Flags().StringVar(&set, "set", "", "the new level")
	return cmd
}
