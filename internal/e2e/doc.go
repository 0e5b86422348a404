// Package e2e owns the tests that treat the broker as a black box: real processes of the built binary, real sockets and
// disks, the franz-go client, faults from outside, and a checker that knows what was acknowledged.
//
// The way in, for a new test: Binary builds the broker, StartServer runs it on a data directory, StartLoad writes to it and
// keeps a History of what was acknowledged, ReadBack reads what is there, Checker compares the two. Facilities that a
// machine may lack (root, loop devices, file systems) are asked for with Need, which skips loudly and is counted.
//
// It never looks inside the broker: what a test knows comes from answers, files, exit codes and log lines.
//
// Invariants: every random choice comes from a seed that the test prints (E2E_SEED repeats it); processes, mounts and loop
// devices are given back however a test ends; a test that checks nothing fails.
package e2e
