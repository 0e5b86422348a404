package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/mainstem-io/mainstem/broker"
	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/admin"
	"github.com/mainstem-io/mainstem/cmd/mainstem/internal/settings"
	"github.com/mainstem-io/mainstem/internal/errcode"
	"github.com/mainstem-io/mainstem/schemaregistry"
)

// serverFlags are the flags of server, and of what reads a server's configuration without starting it.
type serverFlags struct {
	config, dataDir, listen, admin string
	set                            []string
	level, logFormat               string
}

func (f *serverFlags) define(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.config, "config", "", "configuration file: YAML, or Kafka's server.properties")
	fl.StringVar(&f.dataDir, "data-dir", "", "directory of the data (log.dirs); default ./data")
	fl.StringVar(&f.listen, "listen", "", "address for clients, host:port (listeners); default :9092")
	fl.StringVar(&f.admin, "admin", "", "address of metrics, probes and profiles, host:port, or none; default 127.0.0.1:9644")
	fl.StringArrayVar(&f.set, "set", nil, "configuration KEY=VALUE by Kafka's names, repeatable")
}

// values joins file, environment and flags, nearest last.
func (f *serverFlags) values(env Env) (settings.Set, error) {
	s := settings.Set{}
	if f.config != "" {
		if err := s.File(f.config); err != nil {
			return nil, errcode.Wrap(errcode.ConfigFile, err)
		}
	}
	s.Environment(env.Environ())
	for _, pair := range f.set {
		if err := s.Flag(pair); err != nil {
			return nil, errcode.Wrap(errcode.Usage, err)
		}
	}
	if f.dataDir != "" {
		s.Put("log.dirs", f.dataDir, "--data-dir")
	}
	if f.listen != "" {
		s.Put("listeners", "PLAINTEXT://"+f.listen, "--listen")
	}
	switch f.admin {
	case "":
	case "none":
		s.Put("mainstem.admin.listener", "", "--admin")
	default:
		s.Put("mainstem.admin.listener", f.admin, "--admin")
	}
	return s, nil
}

func (a *app) serverCommand() *cobra.Command {
	f, play := &serverFlags{}, []string{"broker"}
	cmd := &cobra.Command{
		Use: "server", Aliases: []string{"broker"}, Short: "Run a broker", Args: cobra.NoArgs,
		Long: `Run a broker until it is told to stop. The first SIGTERM or Ctrl-C stops it cleanly, a second one at once:
even that loses nothing that was acknowledged.

With --roles broker,registry a schema registry runs in the same process, on port 8081 (mainstem.registry.listener), and topics
can demand that records fit to their schemas (mainstem.value.schema.validation). With --roles registry it runs alone, for the Kafka of --brokers.

Configuration keys are Kafka's; mainstem config explain lists them. Flags win over the environment
(MAINSTEM_LOG_RETENTION_MS), the environment over the file, the file over defaults.`,
		Example: "  mainstem server --data-dir /var/lib/mainstem\n  mainstem server --config server.properties --set num.partitions=6",
		RunE: func(cmd *cobra.Command, _ []string) error {
			parts, err := parseRoles(play)
			if err != nil {
				return err
			}
			values, err := f.values(a.env)
			if err != nil {
				return err
			}
			logger, level, err := a.logger(f.level, f.logFormat)
			if err != nil {
				return err
			}
			a.spreadOut()
			if !parts["broker"] {
				r, err := a.registryAlone(values["mainstem.registry.listener"].Text, values["mainstem.registry.security.file"].Text, logger)
				if err != nil {
					return err
				}
				return r.Run(cmd.Context())
			}
			return serve(cmd.Context(), values, parts, logger, level)
		},
	}
	f.define(cmd)
	cmd.Flags().StringSliceVar(&play, "roles", play, "what this process is: broker, registry or both")
	cmd.Flags().StringVar(&f.level, "log-level", "info", "debug, info, warn or error")
	cmd.Flags().StringVar(&f.logFormat, "log-format", "auto", "text, json, or auto: text on a terminal")
	return cmd
}

// spreadOut lets Go code run while another goroutine writes to the disk on a machine with one processor: Go would take up
// to 10 ms to notice that its only one is in a system call. Transactions over one processor are four times as many with it.
// An operator's GOMAXPROCS wins.
func (a *app) spreadOut() {
	if a.env.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) == 1 {
		runtime.GOMAXPROCS(2)
	}
}

// logger writes to stderr; its level can be changed while the process runs.
func (a *app) logger(level, format string) (*slog.Logger, *slog.LevelVar, error) {
	lv := new(slog.LevelVar)
	if err := lv.UnmarshalText([]byte(level)); err != nil {
		return nil, nil, errcode.New(errcode.Usage, "--log-level %s: one of debug, info, warn, error", level)
	}
	opts := &slog.HandlerOptions{Level: lv}
	switch {
	case format == "json", format == "auto" && !terminal(a.env.Stderr):
		return slog.New(slog.NewJSONHandler(a.env.Stderr, opts)), lv, nil
	case format == "text", format == "auto":
		return slog.New(slog.NewTextHandler(a.env.Stderr, opts)), lv, nil
	}
	return nil, nil, errcode.New(errcode.Usage, "--log-format %s: one of text, json, auto", format)
}

// serve runs a broker with what belongs to its roles, and its admin listener, until ctx ends or one of them fails.
func serve(ctx context.Context, values settings.Set, parts map[string]bool, logger *slog.Logger, level *slog.LevelVar) error {
	cfg := broker.Config{Values: values, Logger: logger, Version: version}
	var validator *schemaregistry.Validator
	if parts["registry"] {
		validator = schemaregistry.NewValidator()
		cfg.Validator = validator
	}
	b, err := broker.New(cfg)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	if at := b.Setting("mainstem.admin.listener"); at != "" {
		l, err := listenAdmin(ctx, at)
		if err != nil {
			return errors.Join(err, b.Close())
		}
		server := admin.New(b, logger, level)
		g.Go(func() error { return server.Run(gctx, l) })
	}
	if parts["registry"] {
		r, err := registryOf(b, validator, logger)
		if err != nil {
			return errors.Join(err, b.Close())
		}
		g.Go(func() error { return r.Run(gctx) })
	}
	g.Go(func() error { return b.Run(gctx) })
	g.Go(func() error { return reloadOn(gctx, b, logger) })
	err = g.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// reloadOn reads key stores again at every SIGHUP.
func reloadOn(ctx context.Context, b *broker.Broker, logger *slog.Logger) error {
	hangups := make(chan os.Signal, 1) // one that waits says as much as ten
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangups:
			if err := b.Reload(); err != nil {
				logger.Error("key stores stay as they are", "error", err)
			}
		}
	}
}

func listenAdmin(ctx context.Context, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		e := errcode.Wrap(errcode.NetPortInUse, err)
		if !strings.Contains(err.Error(), "in use") {
			e = errcode.Wrap(errcode.Usage, err)
		}
		e.What, e.Next = "the admin listener cannot start", []string{"choose another address:  --admin 127.0.0.1:19644, or --admin none"}
		return nil, e
	}
	return l, nil
}
