//go:build bug_dedup_lost

package commitlog

// bugDedupLost forgets the producer state at a restart: the harness must catch it.
const bugDedupLost = true
