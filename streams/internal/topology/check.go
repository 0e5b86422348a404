package topology

import (
	"errors"
	"fmt"
	"strings"
)

// checkCounts says which topics are missing and which joins read topics of different sizes.
func (g *Graph) checkCounts(internal map[string]int, counts func(string) int, size func(*Node) int) error {
	var errs []error
	for _, n := range g.Nodes {
		for _, t := range n.Topics {
			if _, ours := internal[t]; !ours && counts(t) == 0 {
				errs = append(errs, fmt.Errorf("%s: topic %q does not exist: create it before the application starts", n.Pos, t))
			}
		}
	}
	for _, c := range g.copartitions {
		var srcs []*Node
		for _, p := range c.Parents {
			srcs = upstream(p, map[*Node]bool{}, srcs)
		}
		var said []string
		same := true
		for _, s := range srcs {
			said = append(said, fmt.Sprintf("%s has %d", strings.Join(s.Topics, ", "), size(s)))
			same = same && size(s) == size(srcs[0])
		}
		if !same {
			errs = append(errs, fmt.Errorf("STRM-002: %s: %s needs topics with one number of partitions: %s; repartition one of them or make the counts equal",
				c.Pos, c.What, strings.Join(said, ", ")))
		}
	}
	return errors.Join(errs...)
}
