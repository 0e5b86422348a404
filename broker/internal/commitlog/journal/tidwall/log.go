package tidwall

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/tidwall/wal"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// segmentBytes is when the library begins the next segment file. It keeps all of the current one in memory.
const segmentBytes = 1 << 20

// log is one generation being written: a log of the library, and a handle to its tail segment for the
// syncs, so that those are fdatasync, and fail when the vfs says so.
type log struct {
	fs    vfs.FS
	dir   string
	wal   *wal.Log
	batch wal.Batch
	tail  vfs.File
	index uint64 // of the last entry
	bytes int64  // in the tail segment
}

// newLog makes the directory of a generation and the log in it. What a crash left there, which the
// replay found to be no group, goes.
func newLog(fs vfs.FS, dir string) (l *log, err error) {
	defer caught(&err)
	if err := fs.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := fs.MkdirAll(dir); err != nil {
		return nil, err
	}
	if err := fs.SyncDir(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	l = &log{fs: fs, dir: dir}
	// NoSync: sync below does it. The library still syncs a segment before it begins the next.
	l.wal, err = wal.Open(dir, &wal.Options{NoSync: true, SegmentSize: segmentBytes, SegmentCacheSize: 1, NoCopy: true})
	if err != nil {
		return nil, err
	}
	if err := l.openTail(); err != nil {
		return nil, errors.Join(err, l.wal.Close())
	}
	return l, nil
}

// openTail opens the segment that the library writes next, and makes its name durable.
func (l *log) openTail() error {
	tail, err := l.fs.Open(filepath.Join(l.dir, segmentName(l.index+1)), vfs.ReadWrite)
	if err != nil {
		return err
	}
	old := l.tail
	l.tail, l.bytes = tail, 0
	if old != nil {
		err = old.Close()
	}
	return errors.Join(err, l.fs.SyncDir(l.dir))
}

func segmentName(index uint64) string { return fmt.Sprintf("%020d", index) }

// append writes frame as one entry and returns when it is durable.
func (l *log) append(frame []byte) (err error) {
	defer caught(&err)
	l.batch.Clear()
	l.batch.Write(l.index+1, frame)
	if err := l.wal.WriteBatch(&l.batch); err != nil {
		return err
	}
	l.index++
	l.bytes += entryBytes(len(frame))
	if l.bytes >= segmentBytes {
		// The library has synced and closed the segment, and begun the next.
		return l.openTail()
	}
	return l.tail.Sync()
}

// entryBytes is the size of an entry with n bytes.
func entryBytes(n int) int64 {
	var b [binary.MaxVarintLen64]byte
	return int64(binary.PutUvarint(b[:], uint64(n)) + n)
}

func (l *log) close() (err error) {
	defer caught(&err)
	return errors.Join(l.tail.Close(), l.wal.Close())
}

// caught makes a panic of the library an error, which poisons.
func caught(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("tidwall/wal: %v", p)
	}
}

// parts answers the segments of a generation's directory, in order.
func parts(fs vfs.FS, dir string, gen journal.Gen) ([]journal.Part, error) {
	entries, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	var parts []journal.Part
	for _, e := range entries {
		if len(e.Name()) == len(segmentName(0)) && !e.IsDir() {
			parts = append(parts, journal.Part{Gen: gen, Name: filepath.Join(dir, e.Name())})
		}
	}
	return parts, nil
}
