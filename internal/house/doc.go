// Package house holds the plan of the house as a test: which package stands on which floor, which arrows are
// allowed, which packages are pure, and that ARCHITECTURE.md tells the truth. It has no code of its own.
package house
