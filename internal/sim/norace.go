//go:build !race

package sim

const seedShare = 1
