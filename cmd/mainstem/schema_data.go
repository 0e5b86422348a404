package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/output"
	"github.com/mainstem-io/mainstem/internal/errcode"
	"github.com/mainstem-io/mainstem/schemaregistry"
)

// source reads a file, or standard input for -.
func (s *schemas) source(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(s.env.Stdin)
	}
	return os.ReadFile(file)
}

// localReferences reads NAME=FILE.
func (s *schemas) localReferences(pairs []string) (out []schemaregistry.SchemaReference, err error) {
	for _, pair := range pairs {
		name, file, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, errcode.New(errcode.Usage, "--reference %s: NAME=FILE", pair)
		}
		text, err := s.source(file)
		if err != nil {
			return nil, errcode.New(errcode.Usage, "read the reference: %v", err)
		}
		out = append(out, schemaregistry.SchemaReference{Name: name, Text: string(text)})
	}
	return out, nil
}

func (s *schemas) validate() *cobra.Command {
	format, refs := "AVRO", []string{}
	cmd := &cobra.Command{
		Use: "validate FILE...", Short: "Say whether files are schemas, without a registry", Args: cobra.MinimumNArgs(1),
		Long:    "Say whether files are schemas that a registry would admit. Nothing is asked or registered.",
		Example: "  mainstem schema validate order.avsc\n  mainstem schema validate order.proto --type PROTOBUF --reference money.proto=money.proto",
		RunE: func(_ *cobra.Command, files []string) error {
			used, err := s.localReferences(refs)
			if err != nil {
				return err
			}
			bad := 0
			for _, file := range files {
				text, err := s.source(file)
				if err != nil {
					return errcode.New(errcode.Usage, "read the schema: %v", err)
				}
				if _, err := schemaregistry.ParseSchema(strings.ToUpper(format), string(text), used...); err != nil {
					bad++
					fmt.Fprintf(s.env.Stdout, "%s: %v\n", file, err)
					continue
				}
				fmt.Fprintf(s.env.Stdout, "%s is a schema\n", file)
			}
			if bad > 0 {
				return errcode.New(errcode.SchemaRefused, "%d of %d files are no schemas of type %s", bad, len(files), strings.ToUpper(format))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "type", format, "AVRO, JSON or PROTOBUF")
	cmd.Flags().StringArrayVar(&refs, "reference", nil, "NAME=FILE of a schema that the files use, repeatable, what is used first")
	return cmd
}

// parsed reads a registered schema with what it refers to.
func (s *schemas) parsed(ctx context.Context, cl *sr.Client, schema sr.Schema) (*schemaregistry.Schema, error) {
	var refs []schemaregistry.SchemaReference
	seen := map[string]bool{}
	var collect func(list []sr.SchemaReference) error
	collect = func(list []sr.SchemaReference) error {
		for _, r := range list {
			if at := fmt.Sprint(r.Subject, "@", r.Version); !seen[at] {
				seen[at] = true
				found, err := cl.SchemaByVersion(sr.WithParams(ctx, sr.ShowDeleted), r.Subject, r.Version)
				if err != nil {
					return err
				}
				if err := collect(found.References); err != nil {
					return err
				}
				refs = append(refs, schemaregistry.SchemaReference{Name: r.Name, Text: found.Schema.Schema})
			}
		}
		return nil
	}
	if err := collect(schema.References); err != nil {
		return nil, err
	}
	out, err := schemaregistry.ParseSchema(schema.Type.String(), schema.Schema, refs...)
	if err != nil {
		return nil, errcode.New(errcode.SchemaRefused, "the registered schema cannot be read: %v", err)
	}
	return out, nil
}

// differenceRow is a line of schema diff.
type differenceRow struct {
	Direction string `json:"direction"` // backward: new readers, old data; forward: the other way
	Problem   string `json:"problem"`
}

func (s *schemas) diff() *cobra.Command {
	format, level := "AVRO", ""
	cmd := &cobra.Command{
		Use: "diff OLD NEW", Short: "Say what keeps readers of one schema from data of another", Args: cobra.ExactArgs(2),
		Long: `Say what keeps readers of one schema from data of another. OLD and NEW are files, or SUBJECT@VERSION of a registry.

backward: what keeps readers of NEW from data of OLD. forward: what keeps readers of OLD from data of NEW. With --level the exit
code is 1 when the level is broken.`,
		Example: "  mainstem schema diff orders-value@3 order.avsc\n  mainstem schema diff orders-value@1 orders-value@latest --level FULL",
		RunE: func(cmd *cobra.Command, args []string) error {
			wanted := strings.TrimSuffix(strings.ToUpper(level), "_TRANSITIVE")
			if wanted != "" && wanted != "NONE" && wanted != "BACKWARD" && wanted != "FORWARD" && wanted != "FULL" {
				return errcode.New(errcode.Usage, "--level %s: NONE, BACKWARD, FORWARD or FULL", level)
			}
			both := [2]*schemaregistry.Schema{}
			for i, arg := range args {
				var err error
				if both[i], err = s.fileOrVersion(cmd.Context(), arg, format); err != nil {
					return err
				}
			}
			rows := []differenceRow{}
			for _, p := range both[1].Incompatible(both[0]) {
				rows = append(rows, differenceRow{"backward", p})
			}
			backward := len(rows)
			for _, p := range both[0].Incompatible(both[1]) {
				rows = append(rows, differenceRow{"forward", p})
			}
			if err := output.Print(s.env.Stdout, s.format, rows); err != nil {
				return err
			}
			if (wanted == "BACKWARD" || wanted == "FULL") && backward > 0 || (wanted == "FORWARD" || wanted == "FULL") && len(rows) > backward {
				return errcode.New(errcode.SchemaRefused, "%s is not %s compatible with %s", args[1], wanted, args[0])
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "type", format, "AVRO, JSON or PROTOBUF, of files")
	cmd.Flags().StringVar(&level, "level", "", "BACKWARD, FORWARD or FULL: fail when it is broken")
	return cmd
}

// fileOrVersion reads a schema from a file, or SUBJECT@VERSION from the registry.
func (s *schemas) fileOrVersion(ctx context.Context, arg, format string) (out *schemaregistry.Schema, err error) {
	if i := strings.LastIndexByte(arg, '@'); i > 0 {
		version := -1
		if arg[i+1:] != "latest" {
			if version, err = strconv.Atoi(arg[i+1:]); err != nil {
				return nil, errcode.New(errcode.Usage, "%s: SUBJECT@VERSION with a number or latest", arg)
			}
		}
		err = s.ask(ctx, func(ctx context.Context, cl *sr.Client) error {
			found, err := cl.SchemaByVersion(ctx, arg[:i], version)
			if err == nil {
				out, err = s.parsed(ctx, cl, found.Schema)
			}
			return err
		})
		return out, err
	}
	text, err := s.source(arg)
	if err != nil {
		return nil, errcode.New(errcode.Usage, "read the schema: %v", err)
	}
	if out, err = schemaregistry.ParseSchema(strings.ToUpper(format), string(text)); err != nil {
		return nil, errcode.New(errcode.SchemaRefused, "%s: %v", arg, err)
	}
	return out, nil
}

func (s *schemas) encode() *cobra.Command {
	subject, version, id, message, raw := "", "latest", 0, "", false
	cmd := &cobra.Command{
		Use: "encode [FILE]", Short: "Make a record's bytes from JSON", Args: cobra.MaximumNArgs(1),
		Long: `Make a record's bytes, with the id of their schema in front, from JSON: for Avro its JSON encoding (a union's branch is named),
for Protobuf its JSON mapping. They are printed as hex, or as they are with --raw.`,
		Example: "  echo '{\"id\":7}' | mainstem schema encode --subject orders-value",
		RunE: func(cmd *cobra.Command, args []string) error {
			if (subject == "") == (id == 0) {
				return errcode.New(errcode.Usage, "give --subject or --id")
			}
			text, err := s.source(strings.Join(append(args, "-")[:1], ""))
			if err != nil {
				return errcode.New(errcode.Usage, "read the datum: %v", err)
			}
			return s.ask(cmd.Context(), func(ctx context.Context, cl *sr.Client) error {
				schema, err := s.named(ctx, cl, subject, version, &id)
				if err != nil {
					return err
				}
				data, err := schema.Encode(bytes.TrimSpace(text), message)
				if err != nil {
					return errcode.New(errcode.SchemaRefused, "the datum does not fit to schema %d: %v", id, err)
				}
				data = append(schemaregistry.AppendID(nil, id), data...)
				if raw {
					_, err = s.env.Stdout.Write(data)
				} else {
					_, err = fmt.Fprintln(s.env.Stdout, hex.EncodeToString(data))
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&subject, "subject", "", "subject of the schema")
	cmd.Flags().StringVar(&version, "version", version, "version number, or latest")
	cmd.Flags().IntVar(&id, "id", 0, "id of the schema instead of a subject")
	cmd.Flags().StringVar(&message, "message", "", "message of a Protobuf file; default the first")
	cmd.Flags().BoolVar(&raw, "raw", false, "the bytes as they are")
	return cmd
}

// named is a registered schema by id, or by subject and version; id is set.
func (s *schemas) named(ctx context.Context, cl *sr.Client, subject, version string, id *int) (*schemaregistry.Schema, error) {
	if subject == "" {
		found, err := cl.SchemaByID(ctx, *id)
		if err != nil {
			return nil, err
		}
		return s.parsed(ctx, cl, found)
	}
	n := -1
	if version != "latest" {
		var err error
		if n, err = strconv.Atoi(version); err != nil {
			return nil, errcode.New(errcode.Usage, "--version %s: a number or latest", version)
		}
	}
	found, err := cl.SchemaByVersion(ctx, subject, n)
	if err != nil {
		return nil, err
	}
	*id = found.ID
	return s.parsed(ctx, cl, found.Schema)
}

func (s *schemas) decode() *cobra.Command {
	raw := false
	cmd := &cobra.Command{
		Use: "decode [HEX...]", Short: "Show a record's bytes as JSON, by the schema that they name",
		Long:    "Show a record's bytes as JSON, by the schema that they name. Bytes are arguments or lines in hex; with --raw standard input is one datum.",
		Example: "  mainstem schema decode 000000000102\n  mainstem schema decode --raw < value.bin",
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := s.bytes(args, raw)
			if err != nil {
				return err
			}
			return s.ask(cmd.Context(), func(ctx context.Context, cl *sr.Client) error {
				for _, d := range data {
					text, err := s.show(ctx, cl, d)
					if err != nil {
						return err
					}
					fmt.Fprintf(s.env.Stdout, "%s\n", text)
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "standard input is one datum as it is")
	return cmd
}

// bytes are what is to be decoded.
func (s *schemas) bytes(args []string, raw bool) (out [][]byte, err error) {
	if raw {
		b, err := io.ReadAll(s.env.Stdin)
		return [][]byte{b}, err
	}
	if len(args) == 0 {
		for lines := bufio.NewScanner(s.env.Stdin); lines.Scan(); {
			args = append(args, lines.Text())
		}
	}
	for _, a := range args {
		b, err := hex.DecodeString(strings.TrimSpace(a))
		if err != nil {
			return nil, errcode.New(errcode.Usage, "%s is no hex: %v", a, err)
		}
		out = append(out, b)
	}
	return out, nil
}

func (s *schemas) show(ctx context.Context, cl *sr.Client, data []byte) ([]byte, error) {
	id, guid, payload, err := schemaregistry.SplitID(data)
	if err != nil {
		return nil, errcode.New(errcode.SchemaRefused, "the bytes do not name a schema: they begin with neither 00 and an id nor 01 and a GUID")
	}
	var found sr.Schema
	if id >= 0 {
		found, err = cl.SchemaByID(ctx, id)
	} else {
		var by sr.SubjectSchema
		by, err = cl.SchemaByGUID(ctx, guid)
		found = by.Schema
	}
	if err != nil {
		return nil, err
	}
	schema, err := s.parsed(ctx, cl, found)
	if err != nil {
		return nil, err
	}
	text, err := schema.Decode(payload)
	if err != nil {
		return nil, errcode.New(errcode.SchemaRefused, "the bytes are no datum of schema %d: %v", id, err)
	}
	return text, nil
}
