package topology

import (
	"slices"
)

// Group is a sub-topology: nodes that share a task. ID counts from 0 in the order of construction.
type Group struct {
	ID     int
	Nodes  []*Node
	Global bool
}

// Groups cuts the graph where only topics connect it: a group is connected by edges and by shared stores.
func (g *Graph) Groups() []Group {
	root := make([]int, len(g.Nodes))
	for i := range root {
		root[i] = i
	}
	var find func(i int) int
	find = func(i int) int {
		if root[i] != i {
			root[i] = find(root[i])
		}
		return root[i]
	}
	join := func(a, b int) {
		if a, b = find(a), find(b); a != b {
			root[max(a, b)] = min(a, b)
		}
	}
	owner := map[string]int{}
	for _, n := range g.Nodes {
		for _, c := range n.Children {
			join(n.ID, c.ID)
		}
		for _, s := range n.Stores {
			if st := g.stores[s]; st == nil || st.Global {
				continue // a global store is everywhere and connects nothing
			}
			if o, ok := owner[s]; ok {
				join(o, n.ID)
			} else {
				owner[s] = n.ID
			}
		}
	}
	var out []Group
	index := map[int]int{}
	for _, n := range g.Nodes {
		r := find(n.ID)
		i, ok := index[r]
		if !ok {
			i = len(out)
			index[r] = i
			out = append(out, Group{ID: i})
		}
		out[i].Nodes = append(out[i].Nodes, n)
		out[i].Global = out[i].Global || n.Global
	}
	return out
}

// Sources is the topics that a group reads, in order, and its patterns.
func (gr Group) Sources() (topics, patterns []string) {
	for _, n := range gr.Nodes {
		topics = append(topics, n.Topics...)
		if n.Pattern != "" {
			patterns = append(patterns, n.Pattern)
		}
	}
	return topics, patterns
}

// StoreNames is the local stores of a group in order.
func (gr Group) StoreNames(g *Graph) []string {
	var out []string
	for _, n := range gr.Nodes {
		for _, s := range n.Stores {
			if st := g.stores[s]; st != nil && st.Global == gr.Global && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// upstream is the source nodes that what flows into n comes from.
func upstream(n *Node, seen map[*Node]bool, out []*Node) []*Node {
	if seen[n] {
		return out
	}
	seen[n] = true
	if n.Kind == Source {
		return append(out, n)
	}
	for _, p := range n.Parents {
		out = upstream(p, seen, out)
	}
	return out
}

// Partitions works out how many partitions each internal topic has and each group's tasks, from the counts of the topics
// that are not ours. counts answers 0 for a topic that does not exist.
func (g *Graph) Partitions(counts func(topic string) int, matching func(pattern string) []string) (internal map[string]int, tasks []int, err error) {
	internal = map[string]int{}
	for _, r := range g.Repartitions() {
		internal[r.Name] = r.Partitions
	}
	size := func(n *Node) int {
		most := 0
		topics := n.Topics
		if n.Pattern != "" {
			topics = matching(n.Pattern)
		}
		for _, t := range topics {
			if c, ours := internal[t]; ours {
				most = max(most, c)
			} else {
				most = max(most, counts(t))
			}
		}
		return most
	}
	for range len(g.repOrder) + 1 {
		g.grow(internal, size)
		g.align(internal, size)
	}
	if err := g.checkCounts(internal, counts, size); err != nil {
		return nil, nil, err
	}
	for _, gr := range g.Groups() {
		most := 0
		for _, n := range gr.Nodes {
			if n.Kind == Source {
				most = max(most, size(n))
			}
		}
		tasks = append(tasks, most)
	}
	return internal, tasks, nil
}

// grow sizes topics that nothing sizes: the most of what flows into them.
func (g *Graph) grow(internal map[string]int, size func(*Node) int) {
	for _, n := range g.Nodes {
		r := g.repartitions[n.Topic]
		if n.Kind != Sink || r == nil || r.Partitions > 0 {
			continue
		}
		for _, src := range upstream(n, map[*Node]bool{}, nil) {
			internal[r.Name] = max(internal[r.Name], size(src))
		}
	}
}

// align raises internal topics of one join to the same count.
func (g *Graph) align(internal map[string]int, size func(*Node) int) {
	for _, c := range g.copartitions {
		var srcs []*Node
		for _, p := range c.Parents {
			srcs = upstream(p, map[*Node]bool{}, srcs)
		}
		most, fixed := 0, 0
		for _, s := range srcs {
			if g.sizable(s) {
				most = max(most, size(s))
			} else {
				fixed = max(fixed, size(s))
			}
		}
		if fixed == 0 {
			fixed = most
		}
		for _, s := range srcs {
			if g.sizable(s) {
				internal[s.Topics[0]] = fixed
			}
		}
	}
}

// sizable says whether the count of a source's topic is ours to choose.
func (g *Graph) sizable(n *Node) bool {
	if len(n.Topics) != 1 {
		return false
	}
	r := g.repartitions[n.Topics[0]]
	return r != nil && r.Partitions == 0
}
