//go:build !race

package engine_test

// slow divides the number of random cases: the race detector makes them ten times as long.
const slow = 1
