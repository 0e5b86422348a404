//go:build !bug_dedup_lost

package commitlog

const bugDedupLost = false
