package vfs

import (
	"io"
	"io/fs"
)

// Flag says how a file is opened. Flags are or-ed.
type Flag uint

const (
	ReadOnly  Flag = 0
	ReadWrite Flag = 1 << iota
	Create         // make the file when it is missing
	Exclusive      // with Create: fail with fs.ErrExist when it is there
	Truncate       // empty the file
	Direct         // O_DIRECT: offsets, lengths and buffers are multiples of DirectAlign; errors.ErrUnsupported where the file system has none
	DSync          // O_DSYNC: a write is durable when it returns
)

// DirectAlign is the alignment that Direct asks of offsets, lengths and buffer addresses.
const DirectAlign = 4096

// FS is every file operation of the broker. Names are slash paths as os takes them.
// All methods may be called at once from many goroutines.
//
// A created, removed or renamed entry is durable only after SyncDir of its parent (KAFKA-3968).
// Nothing is ever retried; a short write is an error. Errors wrap the errno, so errors.Is finds
// fs.ErrNotExist, syscall.ENOSPC, syscall.EIO, syscall.EROFS and syscall.EMFILE.
type FS interface {
	Open(name string, flag Flag) (File, error)
	Remove(name string) error
	RemoveAll(name string) error
	Rename(from, to string) error
	MkdirAll(name string) error
	List(dir string) ([]fs.DirEntry, error) // sorted by name
	Stat(name string) (fs.FileInfo, error)
	SyncDir(dir string) error
	// Lock takes an exclusive lock on name for this process and writes the pid into it.
	// A lock that somebody holds is ErrLocked, with the holder's pid in the message.
	Lock(name string) (io.Closer, error)
	// Space answers the free bytes of the file system under dir, and its size.
	Space(dir string) (free, total uint64, err error)
}

// File is an open file. ReadAt and WriteAt may be called at once; what overlaps is the caller's care.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error                               // fdatasync: data and size are durable when it returns nil; never called again after an error
	StartWriteback(offset, length int64) error // sync_file_range(WRITE): a hint, promises nothing
	Truncate(size int64) error
	Size() (int64, error)
	Name() string
}
