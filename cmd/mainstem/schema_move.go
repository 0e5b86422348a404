package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
)

// modeRow is a line of schema mode.
type modeRow struct {
	Subject string `json:"subject"`
	Mode    string `json:"mode"`
}

func (s *schemas) mode() *cobra.Command {
	set, reset, force := "", false, false
	cmd := &cobra.Command{
		Use: "mode [SUBJECT...]", Short: "Show or set the mode, of all or of subjects",
		Long:    "Show or set the mode: READWRITE, READONLY, or IMPORT, in which who registers gives ids and versions and nothing is compared.",
		Example: "  mainstem schema mode\n  mainstem schema mode orders-value --set READONLY\n  mainstem schema mode orders-value --reset",
		RunE: func(cmd *cobra.Command, subjects []string) error {
			if set != "" && reset || reset && len(subjects) == 0 {
				return errcode.New(errcode.Usage, "--reset takes subjects and no --set")
			}
			return s.ask(cmd.Context(), func(ctx context.Context, cl *sr.Client) error {
				var results []sr.ModeResult
				switch {
				case reset:
					results = cl.ResetMode(ctx, subjects...)
				case set == "":
					results = cl.Mode(sr.WithParams(ctx, sr.DefaultToGlobal), subjects...)
				default:
					var m sr.Mode
					if err := m.UnmarshalText([]byte(strings.ToUpper(set))); err != nil {
						return errcode.New(errcode.Usage, "--set %s: READWRITE, READONLY or IMPORT", set)
					}
					if force {
						ctx = sr.WithParams(ctx, sr.Force)
					}
					results = cl.SetMode(ctx, m, subjects...)
				}
				var rows []modeRow
				for _, r := range results {
					if r.Err != nil {
						return r.Err
					}
					rows = append(rows, modeRow{r.Subject, r.Mode.String()})
				}
				return output.Print(s.env.Stdout, s.format, rows)
			})
		},
	}
	cmd.Flags().StringVar(&set, "set", "", "the new mode")
	cmd.Flags().BoolVar(&reset, "reset", false, "subjects have the mode of all again; shows the one they had")
	cmd.Flags().BoolVar(&force, "force", false, "IMPORT also where there are schemas")
	return cmd
}

// exported is what is read of a line of an export; the line itself goes to the registry as it is.
type exported struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
	ID      int    `json:"id"`
	line    json.RawMessage
}

func (s *schemas) export() *cobra.Command {
	prefix := ""
	cmd := &cobra.Command{
		Use: "export", Short: "Print every version of every subject, a line of JSON each, for schema import", Args: cobra.NoArgs,
		Example: "  mainstem schema export > schemas.jsonl\n  mainstem schema export --prefix orders-",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.ask(cmd.Context(), func(ctx context.Context, cl *sr.Client) error {
				query := url.Values{}
				if prefix != "" {
					query.Set("subjectPrefix", prefix)
				}
				var lines []json.RawMessage
				if err := cl.Do(sr.WithParams(ctx, sr.RawParams(query)), http.MethodGet, "/schemas", nil, &lines); err != nil {
					return err
				}
				all, err := inOrder(lines)
				if err != nil {
					return err
				}
				for _, e := range all {
					fmt.Fprintf(s.env.Stdout, "%s\n", e.line)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&prefix, "prefix", "", "only subjects that begin so")
	return cmd
}

// inOrder sorts versions by id: what is used was registered before its users.
func inOrder(lines []json.RawMessage) ([]exported, error) {
	var all []exported
	for i, line := range lines {
		e := exported{line: line}
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, errcode.New(errcode.Usage, "line %d: %v", i+1, err)
		}
		if e.Subject == "" || e.ID <= 0 || e.Version <= 0 {
			return nil, errcode.New(errcode.Usage, "line %d has no subject, id or version", i+1)
		}
		all = append(all, e)
	}
	slices.SortStableFunc(all, func(a, b exported) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Version, b.Version))
	})
	return all, nil
}

func (s *schemas) importAll() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Register what schema export has printed, with its ids and versions", Args: cobra.ExactArgs(1),
		Long: `Register what schema export has printed, with its ids and versions. Each subject is put into mode IMPORT for the time, which
is refused where there are schemas already unless --force. What is there already is left as it is; the same id with another
content is an error.`,
		Example: "  mainstem schema import schemas.jsonl --registry http://new:8081",
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := s.source(args[0])
			if err != nil {
				return errcode.New(errcode.Usage, "read the export: %v", err)
			}
			var lines []json.RawMessage
			in := bufio.NewScanner(strings.NewReader(string(text)))
			for in.Buffer(nil, 32<<20); in.Scan(); {
				if line := strings.TrimSpace(in.Text()); line != "" {
					lines = append(lines, json.RawMessage(line))
				}
			}
			all, err := inOrder(lines)
			if err != nil {
				return err
			}
			return s.ask(cmd.Context(), func(ctx context.Context, cl *sr.Client) error { return s.importing(ctx, cl, all, force) })
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "also into subjects that have schemas")
	return cmd
}

// importing registers versions in their order. Whatever happens, the subjects get back the mode that they had.
func (s *schemas) importing(ctx context.Context, cl *sr.Client, all []exported, force bool) (err error) {
	before := map[string]sr.ModeResult{}
	defer func() {
		for subject, was := range before {
			var back []sr.ModeResult
			if was.Err != nil { // it had none of its own
				back = cl.ResetMode(context.WithoutCancel(ctx), subject)
			} else {
				back = cl.SetMode(sr.WithParams(context.WithoutCancel(ctx), sr.Force), was.Mode, subject)
			}
			err = errors.Join(err, back[0].Err)
		}
	}()
	params := ctx
	if force {
		params = sr.WithParams(ctx, sr.Force)
	}
	for _, e := range all {
		if _, done := before[e.Subject]; !done {
			was := cl.Mode(ctx, e.Subject)[0]
			if set := cl.SetMode(params, sr.ModeImport, e.Subject)[0]; set.Err != nil {
				return refusedFor(set.Err, "mode IMPORT of %s (--force for subjects that have schemas)", e.Subject)
			}
			before[e.Subject] = was
		}
		if err := cl.Do(ctx, http.MethodPost, "/subjects/"+url.PathEscape(e.Subject)+"/versions", e.line, nil); err != nil {
			return refusedFor(err, "%s version %d", e.Subject, e.Version)
		}
	}
	s.notice("imported %d versions of %d subjects", len(all), len(before))
	return nil
}

// refusedFor says what a registry refused to do; another error stays as it is.
func refusedFor(err error, format string, args ...any) error {
	var refused *sr.ResponseError
	if !errors.As(err, &refused) || refused.ErrorCode == 0 {
		return err
	}
	return errcode.New(errcode.SchemaRefused, "%s: the registry answers %d: %s", fmt.Sprintf(format, args...), refused.ErrorCode, refused.Message)
}
