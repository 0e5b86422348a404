//go:build !bug_epoch_unchecked

package cluster

// epochsRise: a leadership that goes on after its broker registered again has a new leader epoch, and a leader's request of
// an older epoch is fenced (storage.md 11.2 rule 2). The build tag bug_epoch_unchecked switches both off, for the tests that
// must notice.
const epochsRise = true
