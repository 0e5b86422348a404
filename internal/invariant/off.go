//go:build !race

package invariant

// Enabled guards checks that are too dear for production.
const Enabled = false
