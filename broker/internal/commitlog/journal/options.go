package journal

import (
	"fmt"
	"log/slog"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// IO is how the ring engine writes (journal.io).
type IO string

const (
	Direct IO = "direct" // O_DIRECT + O_DSYNC; DSync where the file system has no O_DIRECT
	DSync  IO = "dsync"  // a buffered write, then fdatasync
)

// Fill says whether the ring engine prepares its files with zeros.
type Fill uint8

const (
	FillAuto   Fill = iota // FillNever on a bare memory disk, else FillAlways
	FillAlways             // recycled files, written full of zeros in the background
	FillNever              // files that grow by appending and are removed when released
)

// Sizes of a generation.
const (
	DefaultFileBytes = 256 << 20
	MemoryFileBytes  = 1 << 20 // the default on a memory disk, and of tidwall's own segments
	MinFileBytes     = 1 << 20
	MaxFileBytes     = 1 << 30
)

// Options configure an engine. The zero value of a field means the default in its comment.
type Options struct {
	IO        IO    // default Direct; the tidwall engine always writes buffered
	FileBytes int64 // journal.file.bytes: a generation of so many bytes is Full; default 256 MiB, with FillNever 1 MiB
	Fill      Fill
	FillRate  int64 // bytes a second that the background may write; default 64 MiB
	// Behind is where a journal in an empty directory continues: after a change of journal.engine, the
	// position where the old engine ended. The zero value starts at generation 1, sequence 1.
	Behind Pos
	// DamageAccept (journal.damage.accept): Replay hands out what is valid and goes on behind damage.
	DamageAccept bool
	// Skipped is called for each damage that Replay went on behind; nil is allowed.
	Skipped func(*DamageError)
	Logger  *slog.Logger // default: discard
}

// WithDefaults answers o with the defaults in place, or what is wrong with it. Fill stays as it is:
// only the engine knows the disk.
func (o Options) WithDefaults() (Options, error) {
	if o.IO == "" {
		o.IO = Direct
	}
	if o.IO != Direct && o.IO != DSync {
		return o, fmt.Errorf("journal.io is %q, want %q or %q", o.IO, Direct, DSync)
	}
	if o.FileBytes == 0 {
		o.FileBytes = DefaultFileBytes
		if o.Fill == FillNever {
			o.FileBytes = MemoryFileBytes
		}
	}
	if o.FileBytes < MinFileBytes || o.FileBytes > MaxFileBytes {
		return o, fmt.Errorf("journal.file.bytes is %d, want %d to %d", o.FileBytes, MinFileBytes, MaxFileBytes)
	}
	o.FileBytes = vfs.AlignUp(o.FileBytes)
	if o.FillRate <= 0 {
		o.FillRate = 64 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}
