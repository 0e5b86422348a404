// Package sim owns deterministic simulation: one event queue, one seeded source of randomness, a clock that moves from event to
// event, a network that drops, doubles, delays, reorders and cuts, and a trace.
//
// The way in: New with a seed, After to schedule, Run to let events happen, Network for messages. Whatever a test does it does
// inside of events, in one goroutine; randomness comes from the Sim and from nowhere else. Seeds runs a test for many seeds and
// names the one that failed; SIM_SEEDS sets how many, SIM_SEED runs one of them again.
//
// It never starts a goroutine, sleeps, or reads the machine's clock. Code that reads crypto/rand.Reader, as raft's election
// jitter does, needs ReplaceRand, which is global: such tests must not run in parallel.
//
// Invariants: the same seed makes the same trace, byte for byte; events of the same moment happen in the order in which they
// were scheduled; time never goes back.
package sim
