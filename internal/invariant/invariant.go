// Package invariant says whether costly checks of broken invariants run: with the race detector, never in production.
package invariant
