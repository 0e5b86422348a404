// Package blueprint is a finished topology as those who run it see it: the graph, and the means to bind its nodes to a task.
package blueprint

import (
	"context"

	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// Blueprint is a frozen topology. It is safe for concurrent use.
type Blueprint struct {
	Graph *topology.Graph
	// Bind makes the operators of these nodes for a task and registers their sources; topics names the topics of a source in full.
	// With extend a topic that appears later is bound to its source.
	Bind func(ctx context.Context, t *task.Task, nodes []*topology.Node, topics func(*topology.Node) []string) (extend func(n *topology.Node, topic string), err error)
	// Serdes is the key and value serde of a topic that the topology reads or writes, as Serde[K] and Serde[V]; nil when it does neither.
	Serdes func(topic string) (key, value any)
}
