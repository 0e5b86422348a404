package group

import (
	"cmp"
	"maps"
	"slices"
)

// sortedKeys are the keys of a map in order: wherever an order can be seen outside it is this one.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
