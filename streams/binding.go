package streams

import (
	"context"
	"fmt"

	"github.com/mainstem-io/mainstem/streams/internal/operator"
	"github.com/mainstem-io/mainstem/streams/internal/task"
	"github.com/mainstem-io/mainstem/streams/internal/topology"
)

// binding is one task's operators while they are made: everything is made once, however many ways lead to it.
type binding struct {
	ctx  context.Context //nolint:containedctx // a binding lives as long as its task
	b    *Builder
	task *task.Task
	made map[any]any
}

// once makes what key stands for at its first use.
func once[T any](bd *binding, key any, f func() T) T {
	if v, ok := bd.made[key]; ok {
		return v.(T)
	}
	v := f()
	bd.made[key] = v
	return v
}

// node is what an operator knows of itself.
func (bd *binding) node(n *topology.Node) operator.Node {
	return operator.Node{Task: bd.task, Name: n.Name}
}

// storeNode is what a store knows of itself.
func (bd *binding) storeNode(name string) operator.Node {
	return operator.Node{Task: bd.task, Name: name}
}

// stage is a place that messages flow out of, to all that were attached.
type stage[T any] struct {
	outs []func(*binding) operator.Sink[T]
}

func (s *stage[T]) attach(f func(*binding) operator.Sink[T]) { s.outs = append(s.outs, f) }

// sink is everything that follows, as one.
func (s *stage[T]) sink(bd *binding) operator.Sink[T] {
	return once(bd, s, func() operator.Sink[T] {
		sinks := make([]operator.Sink[T], len(s.outs))
		for i, f := range s.outs {
			sinks[i] = f(bd)
		}
		return operator.Fan(sinks)
	})
}

// bind makes the operators of some nodes for a task. A failure of a store or a constructor is the error.
func (b *Builder) bind(ctx context.Context, t *task.Task, nodes []*topology.Node, topics func(*topology.Node) []string) (extend func(n *topology.Node, topic string), err error) {
	defer func() {
		if v := recover(); v != nil {
			if f, ok := v.(error); ok {
				err = f
				return
			}
			err = fmt.Errorf("panic while the operators of task %s were made: %v", t.ID(), v)
		}
	}()
	bd := &binding{ctx: ctx, b: b, task: t, made: map[any]any{}}
	for _, n := range nodes {
		if n.Kind != topology.Source {
			continue
		}
		for _, topic := range topics(n) {
			t.AddSource(topic, b.sources[n](bd))
		}
	}
	return func(n *topology.Node, topic string) { t.AddSource(topic, b.sources[n](bd)) }, nil
}
