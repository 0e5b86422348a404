//go:build race

package sim

// The race detector makes a world about ten times slower and has nothing to find in one goroutine: fewer seeds do.
const seedShare = 8
