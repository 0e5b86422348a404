// Command bench measures the broker, alone or in turn with Apache Kafka, and writes docs/bench. Servers run pinned to
// the first processor, the client to the second, each server alone at its time, on a fresh data directory; with -kafka
// each job runs on one system and then on the other, round after round, so that a machine whose speed drifts moves both.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

func main() {
	b := &bench{}
	flag.StringVar(&b.binary, "binary", "bin/mainstem", "the broker and the client")
	flag.StringVar(&b.out, "out", "docs/bench", "where the results go")
	flag.IntVar(&b.rounds, "rounds", 3, "rounds of every job")
	flag.StringVar(&b.anchors, "anchors", os.Getenv("ANCHORS_DIR"), "directory of the Kafka starter (ANCHORS_DIR)")
	flag.BoolVar(&b.kafka, "kafka", false, "run Apache Kafka in turn with our broker")
	flag.StringVar(&b.name, "name", "", "name of the result files; default results, or results-kafka with -kafka")
	only := flag.String("run", "", "only jobs that match this regular expression")
	flag.Parse()
	var err error
	if b.only, err = regexp.Compile(*only); err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		err = b.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is a run under way.
type bench struct {
	binary, out, anchors string
	name                 string
	rounds               int
	kafka                bool
	only                 *regexp.Regexp
	work                 string
	results              []outcome
}

// outcome is one job on one system in one round.
type outcome struct {
	Job    string             `json:"job"`
	System string             `json:"system"`
	Round  int                `json:"round"`
	Values map[string]float64 `json:"values"`
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.binary, err = filepath.Abs(b.binary); err != nil {
		return err
	}
	if b.work, err = os.MkdirTemp("", "mainstem-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.work)
	if err := writeKeyStore(b.keyStore()); err != nil {
		return fmt.Errorf("make a key store: %w", err)
	}
	systems := []system{{name: "mainstem"}}
	if b.kafka {
		systems = append(systems, system{name: "kafka"}, system{name: "kafka-fsync"})
	}
	if b.only.MatchString("figures") {
		if err := b.figures(ctx); err != nil {
			return fmt.Errorf("figures of the process: %w", err)
		}
	}
	for round := range b.rounds {
		for _, s := range systems {
			if err := b.round(ctx, s, round); err != nil {
				return fmt.Errorf("round %d on %s: %w", round+1, s.name, err)
			}
		}
		if err := b.write(round + 1); err != nil { // a run that is ended early keeps its whole rounds
			return err
		}
	}
	return nil
}

// keyStore is the file with the key and the certificate of the TLS listener.
func (b *bench) keyStore() string { return filepath.Join(b.work, "bench.pem") }

// round starts a server on a fresh directory, runs every job, and stops it.
func (b *bench) round(ctx context.Context, s system, round int) error {
	srv, err := b.start(ctx, s, filepath.Join(b.work, fmt.Sprintf("%s-%d", s.name, round)))
	if err != nil {
		return err
	}
	defer srv.stop()
	for _, j := range jobs {
		if !b.only.MatchString(j.name) || s.name == "kafka-fsync" && !j.fsync || s.name != "mainstem" && j.ours {
			continue
		}
		values, err := b.client(ctx, srv, s, j)
		if err != nil {
			return fmt.Errorf("%s: %w", j.name, err)
		}
		b.results = append(b.results, outcome{j.name, s.name, round, values})
		fmt.Printf("%-14s %-12s round %d  %s\n", j.name, s.name, round+1, brief(values))
	}
	return nil
}
