//go:build unix && !linux

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// Elsewhere than on Linux the broker is for development: no O_DIRECT (Open refuses it below), and
// the strongest sync that os offers.
const (
	flagDirect = 0
	flagDSync  = unix.O_SYNC
)

func datasync(f *os.File) error { return f.Sync() }

func (o *osFile) StartWriteback(offset, length int64) error { return nil }
