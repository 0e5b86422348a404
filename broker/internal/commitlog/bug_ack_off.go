//go:build !bug_ack_before_fsync

package commitlog

const bugAckBeforeFsync = false
