// Package topology is the shape of an application: nodes, the stores and internal topics they use, and how they fall into
// sub-topologies. It knows no types and runs nothing; what it says of a graph depends on the order of construction alone.
package topology

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is what a node is to its sub-topology.
type Kind int

// The kinds of nodes.
const (
	Source Kind = iota
	Processor
	Sink
)

// Node is a step of the topology.
type Node struct {
	ID       int
	Name     string
	Kind     Kind
	Topics   []string // of a source
	Pattern  string   // of a source of all topics that match
	Topic    string   // of a sink; empty when a function chooses
	Stores   []string
	Global   bool // reads a global table's topic
	Children []*Node
	Parents  []*Node
	Pos      string // file:line of the caller
}

// StoreKind is the shape of a store.
type StoreKind int

// The kinds of stores.
const (
	KeyValue StoreKind = iota
	TimestampedKeyValue
	Window
	JoinWindow
	Session
	Versioned
	Buffer
)

var storeKinds = [...]string{"key-value", "timestamped key-value", "window", "join window", "session", "versioned", "buffer"}

func (k StoreKind) String() string { return storeKinds[k] }

// Store is a store that nodes share.
type Store struct {
	Name      string
	Kind      StoreKind
	Logged    bool
	InMemory  bool
	Global    bool
	Source    string // the topic that is the store's changelog: of a global or a read-only store
	Retention int64  // ms; window and session stores
	History   int64  // ms; versioned stores
	Size      int64  // ms; of a window, for keys that name their end
	Cache     int64  // bytes; -1 is the application's share
	Pos       string
}

// Repartition is a topic between two sub-topologies.
type Repartition struct {
	Name       string // without the application's prefix
	Partitions int    // 0: the most of what flows into it
	Purged     bool   // read by this application alone, deleted once read
	Pos        string
}

// Graph is a topology under construction, then frozen.
type Graph struct {
	Nodes        []*Node
	stores       map[string]*Store
	storeOrder   []string
	repartitions map[string]*Repartition
	repOrder     []string
	copartitions []Copartition
	Errors       []error
}

// Copartition is a set of sources that must have one number of partitions.
type Copartition struct {
	What    string // "join settle"
	Pos     string
	Parents []*Node
}

// New makes an empty graph.
func New() *Graph {
	return &Graph{stores: map[string]*Store{}, repartitions: map[string]*Repartition{}}
}

// Fail notes a mistake of the topology's author.
func (g *Graph) Fail(pos, format string, args ...any) {
	g.Errors = append(g.Errors, fmt.Errorf("%s: %w", pos, fmt.Errorf(format, args...)))
}

// Add adds a node behind its parents.
func (g *Graph) Add(n *Node, parents ...*Node) *Node {
	n.ID = len(g.Nodes)
	for _, p := range parents {
		n.Parents = append(n.Parents, p)
		p.Children = append(p.Children, n)
	}
	g.Nodes = append(g.Nodes, n)
	return n
}

// AddStore declares a store. A name that is taken is a mistake.
func (g *Graph) AddStore(s *Store) *Store {
	if old := g.stores[s.Name]; old != nil {
		g.Fail(s.Pos, "two stores are called %q: the other is at %s", s.Name, old.Pos)
		return old
	}
	if s.Name == "" {
		g.Fail(s.Pos, "a store has no name: operators with state need one, it names their topics")
	} else if !validName(s.Name) {
		g.Fail(s.Pos, "%q cannot be a store's name: its topic would not be legal (letters, digits, '.', '_' and '-', at most 200)", s.Name)
	}
	g.stores[s.Name] = s
	g.storeOrder = append(g.storeOrder, s.Name)
	return s
}

func validName(s string) bool {
	return len(s) <= 200 && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}) < 0
}

// DropStore takes a store back that an optimisation made needless.
func (g *Graph) DropStore(name string) {
	delete(g.stores, name)
	g.storeOrder = slices.DeleteFunc(g.storeOrder, func(s string) bool { return s == name })
	for _, n := range g.Nodes {
		n.Stores = slices.DeleteFunc(slices.Clone(n.Stores), func(s string) bool { return s == name })
	}
}

// Store is a declared store; nil when there is none.
func (g *Graph) Store(name string) *Store { return g.stores[name] }

// Stores is all stores in the order of their declaration.
func (g *Graph) Stores() []*Store {
	out := make([]*Store, len(g.storeOrder))
	for i, n := range g.storeOrder {
		out[i] = g.stores[n]
	}
	return out
}

// AddRepartition declares an internal topic.
func (g *Graph) AddRepartition(r *Repartition) {
	if old := g.repartitions[r.Name]; old != nil {
		g.Fail(r.Pos, "two repartition topics are called %q: the other is at %s", r.Name, old.Pos)
		return
	}
	g.repartitions[r.Name] = r
	g.repOrder = append(g.repOrder, r.Name)
}

// Repartitions is all internal topics between sub-topologies.
func (g *Graph) Repartitions() []*Repartition {
	out := make([]*Repartition, len(g.repOrder))
	for i, n := range g.repOrder {
		out[i] = g.repartitions[n]
	}
	return out
}

// IsRepartition says whether a topic is one of ours.
func (g *Graph) IsRepartition(topic string) bool { return g.repartitions[topic] != nil }

// Copartition says that what flows into these nodes must be partitioned alike.
func (g *Graph) Copartition(what, pos string, parents ...*Node) {
	g.copartitions = append(g.copartitions, Copartition{what, pos, parents})
}

// Check is every mistake of the graph, those noted during construction first.
func (g *Graph) Check() error {
	errs := slices.Clone(g.Errors)
	names, sources := map[string]*Node{}, map[string]*Node{}
	for _, n := range g.Nodes {
		if old := names[n.Name]; old != nil {
			errs = append(errs, fmt.Errorf("%s: two operators are called %q: the other is at %s", n.Pos, n.Name, old.Pos))
		}
		names[n.Name] = n
		for _, t := range n.Topics {
			if old := sources[t]; old != nil {
				errs = append(errs, fmt.Errorf("%s: topic %q is read at %s already, as another kind of source", n.Pos, t, old.Pos))
			}
			sources[t] = n
		}
		for _, s := range n.Stores {
			if g.stores[s] == nil {
				errs = append(errs, fmt.Errorf("%s: %q uses store %q, which nothing declares", n.Pos, n.Name, s))
			}
		}
	}
	if len(sources) == 0 && !slices.ContainsFunc(g.Nodes, func(n *Node) bool { return n.Pattern != "" }) && len(errs) == 0 {
		errs = append(errs, errors.New("the topology reads no topic"))
	}
	return errors.Join(errs...)
}
