package topology

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Describe is the topology in the text format of Kafka's Topology.describe(), which visualisers parse.
func (g *Graph) Describe() string {
	var b strings.Builder
	b.WriteString("Topologies:\n")
	for _, gr := range g.Groups() {
		if gr.Global {
			describeGlobal(&b, gr)
			continue
		}
		fmt.Fprintf(&b, "   Sub-topology: %d\n", gr.ID)
		for _, kind := range []Kind{Source, Processor, Sink} {
			for _, n := range gr.Nodes {
				if n.Kind == kind {
					describeNode(&b, n)
				}
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func describeGlobal(b *strings.Builder, gr Group) {
	fmt.Fprintf(b, "   Sub-topology: %d for global store (will not generate tasks)\n", gr.ID)
	for _, n := range gr.Nodes {
		describeNode(b, n)
	}
}

func describeNode(b *strings.Builder, n *Node) {
	switch n.Kind {
	case Source:
		topics := "topics: [" + strings.Join(n.Topics, ", ") + "]"
		if n.Pattern != "" {
			topics = "topics: " + n.Pattern
		}
		fmt.Fprintf(b, "    Source: %s (%s)\n", n.Name, topics)
	case Processor:
		fmt.Fprintf(b, "    Processor: %s (stores: [%s])\n", n.Name, strings.Join(n.Stores, ", "))
	case Sink:
		topic := n.Topic
		if topic == "" {
			topic = "by function"
		}
		fmt.Fprintf(b, "    Sink: %s (topic: %s)\n", n.Name, topic)
	}
	if n.Kind != Sink {
		fmt.Fprintf(b, "      --> %s\n", names(n.Children))
	}
	if n.Kind != Source {
		fmt.Fprintf(b, "      <-- %s\n", names(n.Parents))
	}
}

func names(ns []*Node) string {
	if len(ns) == 0 {
		return "none"
	}
	var out []string
	for _, n := range ns {
		if !slices.Contains(out, n.Name) {
			out = append(out, n.Name)
		}
	}
	return strings.Join(out, ", ")
}

// Mermaid is the topology as a flow chart.
func (g *Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	for _, gr := range g.Groups() {
		fmt.Fprintf(&b, "  subgraph s%d [sub-topology %d]\n", gr.ID, gr.ID)
		for _, n := range gr.Nodes {
			open, end := "[", "]"
			switch {
			case n.Kind == Source || n.Kind == Sink:
				open, end = "([", "])"
			case len(n.Stores) > 0:
				open, end = "[(", ")]"
			}
			fmt.Fprintf(&b, "    n%d%s\"%s\"%s\n", n.ID, open, label(n), end)
		}
		b.WriteString("  end\n")
	}
	for _, n := range g.Nodes {
		for _, c := range n.Children {
			fmt.Fprintf(&b, "  n%d --> n%d\n", n.ID, c.ID)
		}
		for _, m := range g.Nodes {
			if n.Kind == Sink && n.Topic != "" && slices.Contains(m.Topics, n.Topic) {
				fmt.Fprintf(&b, "  n%d -.-> n%d\n", n.ID, m.ID)
			}
		}
	}
	return b.String()
}

func label(n *Node) string {
	switch {
	case n.Kind == Source && n.Pattern != "":
		return n.Pattern
	case n.Kind == Source:
		return strings.Join(n.Topics, ", ")
	case n.Kind == Sink && n.Topic != "":
		return n.Topic
	}
	return n.Name
}

type jsonNode struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`
	Topics   []string `json:"topics,omitempty"`
	Pattern  string   `json:"pattern,omitempty"`
	Topic    string   `json:"topic,omitempty"`
	Stores   []string `json:"stores,omitempty"`
	Children []string `json:"children,omitempty"`
}

type jsonGroup struct {
	ID     int        `json:"id"`
	Global bool       `json:"global,omitempty"`
	Nodes  []jsonNode `json:"nodes"`
}

// JSON is the topology for programs: {"subtopologies": [{"id", "nodes": [...]}]}.
func (g *Graph) JSON() []byte {
	var out struct {
		Groups []jsonGroup `json:"subtopologies"`
	}
	for _, gr := range g.Groups() {
		jg := jsonGroup{ID: gr.ID, Global: gr.Global}
		for _, n := range gr.Nodes {
			jn := jsonNode{Name: n.Name, Kind: [...]string{"source", "processor", "sink"}[n.Kind], Topics: n.Topics, Pattern: n.Pattern, Topic: n.Topic, Stores: n.Stores}
			for _, c := range n.Children {
				jn.Children = append(jn.Children, c.Name)
			}
			jg.Nodes = append(jg.Nodes, jn)
		}
		out.Groups = append(out.Groups, jg)
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		panic(err) // strings and numbers only
	}
	return append(b, '\n')
}
