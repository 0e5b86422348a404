//go:build bug_lso_unchecked

package replica

// bugLSOUnchecked shows read_committed consumers what open transactions wrote: the harness must catch it.
const bugLSOUnchecked = true
