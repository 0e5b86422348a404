//go:build !bug_lso_unchecked

package replica

const bugLSOUnchecked = false
