package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/mainstem-io/mainstem/streams/internal/topology"
	"github.com/mainstem-io/mainstem/streams/internal/worker"
)

// App is an instance of an application. Instances with one AppID share its tasks.
type App struct {
	t   *Topology
	cfg worker.Config
	rt  *worker.Runtime
}

// Run runs a topology until ctx ends or a task fails: the short form of New and App.Run.
//
// When ctx ends what was processed is committed and the group is left as Config.Leave says; the error is nil then.
func Run(ctx context.Context, t *Topology, c Config) error {
	app, err := New(t, c)
	if err != nil {
		return err
	}
	return app.Run(ctx)
}

// New checks the configuration of an instance; it connects to nothing.
func New(t *Topology, c Config) (*App, error) {
	cfg, err := c.complete()
	if err != nil {
		return nil, err
	}
	return &App{t: t, cfg: cfg, rt: worker.New(cfg, t.Blueprint())}, nil
}

// Run joins the group and processes until ctx ends or a task fails. It may be called once.
func (a *App) Run(ctx context.Context) error {
	if err := a.rt.Run(ctx); err != nil {
		return fmt.Errorf("application %q: %w", a.cfg.AppID, err)
	}
	return nil
}

// complete fills in the defaults and says all that is wrong.
func (c Config) complete() (worker.Config, error) {
	var errs []error
	if c.AppID == "" || strings.ContainsAny(c.AppID, "/\\ \t\n") || len(c.AppID) > 100 {
		errs = append(errs, fmt.Errorf("AppID %q: give the application a name of letters, digits, '.', '_' and '-', at most 100", c.AppID))
	}
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("Brokers: name at least one broker, as host:port")) //nolint:revive // the field's name
	}
	interval := 30 * time.Second
	if c.Guarantee == ExactlyOnce {
		interval = 100 * time.Millisecond
	}
	w := worker.Config{
		AppID: c.AppID, Brokers: c.Brokers, ExactlyOnce: c.Guarantee == ExactlyOnce, ClientID: cmp.Or(c.ClientID, c.AppID),
		CommitInterval: cmp.Or(c.CommitInterval, interval), TransactionTimeout: cmp.Or(c.TransactionTimeout, 10*time.Second),
		SessionTimeout: cmp.Or(c.SessionTimeout, 45*time.Second), Workers: cmp.Or(c.Workers, runtime.GOMAXPROCS(0)),
		Buffered: cmp.Or(c.BufferedRecords, 1000), MaxIdle: c.MaxTaskIdle, Replication: cmp.Or(c.Replication, -1), CacheBytes: 64 << 20,
		PurgeInterval: cmp.Or(c.PurgeInterval, 30*time.Second), ExtraRetention: cmp.Or(c.ExtraRetention, 24*time.Hour),
		TaskTimeout: cmp.Or(c.TaskTimeout, 5*time.Minute), Leave: !c.Stay, DeadLetter: c.DeadLetter, Timestamps: int(c.Timestamps),
		OnError: c.OnError, Logger: c.Logger, Client: c.Client,
	}
	if w.Logger == nil {
		w.Logger = slog.Default()
	}
	w.Logger = w.Logger.With("app", c.AppID)
	if w.Workers < 1 || w.Buffered < 1 {
		errs = append(errs, errors.New("Workers and BufferedRecords must be above 0")) //nolint:revive // the fields' names
	}
	if w.ExactlyOnce && w.TransactionTimeout < w.CommitInterval {
		errs = append(errs, fmt.Errorf("TransactionTimeout %v is shorter than CommitInterval %v: no transaction would last to its commit", w.TransactionTimeout, w.CommitInterval))
	}
	var err error
	if c.Store == Disk {
		if w.StateDir, err = stateDir(c.StateDir); err != nil {
			errs = append(errs, err)
		}
	}
	return w, errors.Join(errs...)
}

// stateDir is the directory that is given, or the user's.
func stateDir(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if d := os.Getenv("XDG_STATE_HOME"); d != "" {
		return filepath.Join(d, "mainstem-streams"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("StateDir: there is no home directory to put it in; set it: %w", err)
	}
	return filepath.Join(home, ".local", "state", "mainstem-streams"), nil
}

// Plan is what an application needs on the broker.
type Plan struct {
	Sources      []string // topics that it reads and that must exist
	Sinks        []string // topics that it writes and that must exist
	Repartitions []string // topics that it makes, without the prefix <app>-
	Changelogs   []string
}

// Plan lists the topics of the topology.
func (t *Topology) Plan() Plan {
	var p Plan
	for _, n := range t.b.g.Nodes {
		switch {
		case n.Kind == topology.Source && n.Pattern != "":
			p.Sources = append(p.Sources, "/"+n.Pattern+"/")
		case n.Kind == topology.Source:
			for _, topic := range n.Topics {
				if !t.b.g.IsRepartition(topic) {
					p.Sources = append(p.Sources, topic)
				}
			}
		case n.Kind == topology.Sink && n.Topic != "" && !t.b.g.IsRepartition(n.Topic):
			p.Sinks = append(p.Sinks, n.Topic)
		}
	}
	for _, r := range t.b.g.Repartitions() {
		p.Repartitions = append(p.Repartitions, r.Name)
	}
	for _, s := range t.b.g.Stores() {
		if s.Logged {
			p.Changelogs = append(p.Changelogs, s.Name+"-changelog")
		}
	}
	return p
}
