package vfs

import "errors"

// ErrLocked is what Lock answers when somebody holds the lock.
var ErrLocked = errors.New("locked by another process")
