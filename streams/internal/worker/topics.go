package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// layout is what the application's topics look like on the broker.
type layout struct {
	app        string
	graph      *topology.Graph
	groups     []topology.Group
	internal   map[string]int // partitions of repartition topics, by their short names
	tasks      []int          // number of tasks by group
	partitions map[string]int32
	topicIDs   map[string][16]byte
	matching   map[string][]string // topics by pattern
}

// full is a topic's name on the broker.
func (l *layout) full(topic string) string {
	if l.graph.IsRepartition(topic) {
		return l.app + "-" + topic
	}
	return topic
}

// topicsOf is the topics that a source node reads, in full.
func (l *layout) topicsOf(n *topology.Node) []string {
	if n.Pattern != "" {
		return l.matching[n.Pattern]
	}
	out := make([]string, len(n.Topics))
	for i, t := range n.Topics {
		out[i] = l.full(t)
	}
	return out
}

// sources is the topics of a group.
func (l *layout) sources(g topology.Group) (topics []string) {
	for _, n := range g.Nodes {
		if n.Kind == topology.Source {
			topics = append(topics, l.topicsOf(n)...)
		}
	}
	return topics
}

func (l *layout) changelog(store string) string { return l.app + "-" + store + "-changelog" }

// learn reads the cluster's topics, works out the internal ones, makes those that are missing and checks those that are there.
func learn(ctx context.Context, adm *kadm.Client, cfg Config, g *topology.Graph) (*layout, error) {
	l := &layout{app: cfg.AppID, graph: g, groups: g.Groups(), matching: map[string][]string{}}
	if err := l.read(ctx, adm); err != nil {
		return nil, err
	}
	counts := func(topic string) int { return int(l.partitions[topic]) }
	match := func(pattern string) []string { return l.matching[pattern] }
	var err error
	if l.internal, l.tasks, err = g.Partitions(counts, match); err != nil {
		return nil, err
	}
	if err := l.create(ctx, adm, cfg); err != nil {
		return nil, err
	}
	return l, l.seen(ctx, adm, cfg)
}

// seen waits until the cluster shows all internal topics: a broker may answer before it has heard of a new one.
func (l *layout) seen(ctx context.Context, adm *kadm.Client, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if err := l.read(ctx, adm); err != nil {
			return err
		}
		missing := ""
		for name, w := range l.wanted(cfg) {
			if l.partitions[name] == 0 && w.partitions > 0 {
				missing = name
			}
		}
		if missing == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("internal topic %q was created and is not there: %w", missing, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (l *layout) read(ctx context.Context, adm *kadm.Client) error {
	topics, err := adm.ListTopics(ctx)
	if err != nil {
		return fmt.Errorf("list the topics of the cluster: %w", err)
	}
	l.partitions, l.topicIDs = map[string]int32{}, map[string][16]byte{}
	for name, t := range topics {
		if t.Err == nil {
			l.partitions[name], l.topicIDs[name] = int32(len(t.Partitions)), t.ID
		}
	}
	for _, n := range l.graph.Nodes {
		if n.Pattern == "" || l.matching[n.Pattern] != nil {
			continue
		}
		re, err := regexp.Compile("^(?:" + n.Pattern + ")$")
		if err != nil {
			return fmt.Errorf("source %q: %w", n.Name, err)
		}
		for _, name := range slices.Sorted(maps.Keys(l.partitions)) {
			if re.MatchString(name) {
				l.matching[n.Pattern] = append(l.matching[n.Pattern], name)
			}
		}
	}
	return nil
}

// wanted is an internal topic.
type wanted struct {
	partitions int
	configs    map[string]string
}

func (l *layout) wanted(cfg Config) map[string]wanted {
	out := map[string]wanted{}
	for name, n := range l.internal {
		out[l.full(name)] = wanted{n, map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "segment.bytes": "52428800"}}
	}
	for i, gr := range l.groups {
		if gr.Global {
			continue
		}
		for _, name := range gr.StoreNames(l.graph) {
			if st := l.graph.Store(name); st.Logged {
				out[l.changelog(name)] = wanted{l.tasks[i], changelogConfigs(st, cfg)}
			}
		}
	}
	for _, w := range out {
		w.configs["message.timestamp.type"] = "CreateTime"
	}
	return out
}

// changelogConfigs is streams.md 11.2.
func changelogConfigs(st *topology.Store, cfg Config) map[string]string {
	extra := cfg.ExtraRetention.Milliseconds()
	retention := strconv.FormatInt(st.Retention+extra, 10)
	if st.Retention > 1<<62 {
		retention = "-1"
	}
	switch st.Kind {
	case topology.Window, topology.Session:
		return map[string]string{"cleanup.policy": "compact,delete", "retention.ms": retention}
	case topology.JoinWindow:
		return map[string]string{"cleanup.policy": "delete", "retention.ms": retention}
	case topology.Versioned:
		return map[string]string{"cleanup.policy": "compact", "min.compaction.lag.ms": strconv.FormatInt(st.History+extra, 10)}
	}
	return map[string]string{"cleanup.policy": "compact"}
}

func (l *layout) create(ctx context.Context, adm *kadm.Client, cfg Config) error {
	var errs []error
	for name, w := range l.wanted(cfg) {
		if have, there := l.partitions[name]; there {
			if int(have) != w.partitions {
				errs = append(errs, fmt.Errorf("STRM-002: internal topic %q has %d partitions, the topology needs %d: reset the application or repartition its sources as they were", name, have, w.partitions))
			}
			continue
		}
		if w.partitions == 0 {
			continue // nothing flows into it yet
		}
		configs := map[string]*string{}
		for k, v := range w.configs {
			configs[k] = &v
		}
		resp, err := adm.CreateTopic(ctx, int32(w.partitions), int16(cfg.Replication), configs, name)
		if err == nil {
			err = resp.Err
		}
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			errs = append(errs, fmt.Errorf("create internal topic %q: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
