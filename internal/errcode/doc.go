// Package errcode owns the registry of error codes that people see: what happened, why it may have, what to do next,
// where to read on, and the exit code of a command. `mainstem explain CODE` and the reference page are made from it.
//
// A code is never given a second meaning. A code without a next step does not pass the package's test.
package errcode
