//go:build bug_epoch_unchecked

package cluster

// epochsRise is off in this build: see epoch.go.
const epochsRise = false
