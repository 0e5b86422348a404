//go:build bug_ack_before_fsync

package commitlog

// bugAckBeforeFsync moves durable ends before the journal has the group: the harness must catch it.
const bugAckBeforeFsync = true
