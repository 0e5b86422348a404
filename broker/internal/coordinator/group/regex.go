package group

import (
	"regexp"
	"slices"
)

// resolveInterval is the shortest time, in milliseconds, between two looks at all topics because some may have changed.
const resolveInterval = 1000

// compile reads an expression in the syntax of RE2/J, which is Go's; it has to match a whole name.
func compile(expression string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(expression); err != nil { // alone: a(b)|)c( is none
		return nil, err
	}
	return regexp.Compile("^(?:" + expression + ")$")
}

// resolveExpressions finds the topics that a group's expressions mean. When that changes what somebody subscribes to the
// group begins a new epoch; the next heartbeat assigns.
func (d *decision) resolveExpressions(group string) {
	g := d.consumer[group]
	if g == nil {
		return
	}
	w := d.draft(g)
	if w.resolve() {
		w.put(KindEpoch, "", &EpochValue{Epoch: w.g.epoch + 1, MetadataHash: w.g.hashOf(d.image)})
	}
}

// resolve finds the topics of expressions that are new, and of all of them when topics may have come or gone.
// Expressions that nobody uses any more go. It answers whether any other changed.
func (w *draft) resolve() (changed bool) {
	soft := w.g.soft
	all := soft.unresolved
	soft.unresolved, soft.resolvedAt = false, w.millis()
	used := w.g.used()
	for _, re := range sortedKeys(used) {
		known := w.g.expressions[re]
		if known != nil && !all {
			continue
		}
		topics := w.matching(re)
		if known == nil || !slices.Equal(known.Topics, topics) {
			changed = true
			w.put(KindRegex, re, &RegexValue{Topics: topics, Version: max(0, w.image.Offset), ResolvedAt: w.millis()})
		}
	}
	w.dropUnused(used)
	return changed
}

// used are the expressions of the group's members.
func (g *consumerGroup) used() map[string]bool {
	used := map[string]bool{}
	for _, m := range g.members.all() {
		if re := deref(m.meta.Regex); re != "" {
			used[re] = true
		}
	}
	return used
}

func (w *draft) dropUnused(used map[string]bool) {
	for _, re := range sortedKeys(w.g.expressions) {
		if !used[re] {
			w.put(KindRegex, re, nil)
		}
	}
}

// matching are the topics that an expression means, sorted. As in Kafka the broker's own topics may be among them.
func (w *draft) matching(expression string) (out []string) {
	re, err := compile(expression)
	if err != nil {
		return nil // it was checked when it came; another version may have let it through
	}
	for _, t := range w.image.Topics() {
		if re.MatchString(t.Name) {
			out = append(out, t.Name)
		}
	}
	return out
}
