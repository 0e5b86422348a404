package commitlog

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// maxOpenFiles bounds the descriptors that a Store keeps open between uses; the usual limit of a process is 1,024, and
// sockets want the larger part.
const maxOpenFiles = 384

// files is the LRU of open descriptors that all logs of a Store share.
type files struct {
	fs    vfs.FS
	limit int

	mu   sync.Mutex // guards the fields below, and every file's handle, users, gone, newer and older
	open int
	idle file // head of a ring of the files that are open and unused: older is the most recent, newer the one to close
}

func newFiles(fs vfs.FS, limit int) *files {
	c := &files{fs: fs, limit: limit}
	c.idle.newer, c.idle.older = &c.idle, &c.idle
	return c
}

// file is one file that is opened when it is needed and closed when too many are. All methods may be called at once.
type file struct {
	cache *files

	opening sync.Mutex // one opens or renames at a time; before cache.mu
	name    string     // guarded by opening
	handle  vfs.File
	users   int
	gone    bool // closed for good as soon as nobody uses it

	newer, older *file // in the ring of idle files; nil while not
}

// enqueue puts f into the ring as the most recent.
func (c *files) enqueue(f *file) {
	f.newer, f.older = &c.idle, c.idle.older
	f.older.newer, c.idle.older = f, f
}

func (f *file) dequeue() {
	if f.newer != nil {
		f.newer.older, f.older.newer = f.older, f.newer
		f.newer, f.older = nil, nil
	}
}

func (c *files) file(name string) *file { return &file{cache: c, name: name} }

// acquire answers the open file; release must follow. With create a missing file is made.
func (f *file) acquire(create bool) (vfs.File, error) {
	if h := f.use(); h != nil {
		return h, nil
	}
	f.opening.Lock()
	defer f.opening.Unlock()
	if h := f.use(); h != nil {
		return h, nil
	}
	flag := vfs.ReadWrite
	if create {
		flag |= vfs.Create
	}
	h, err := f.cache.fs.Open(f.name, flag)
	if err != nil {
		return nil, err
	}
	f.cache.mu.Lock()
	f.handle, f.users = h, 1
	f.cache.open++
	victims := f.cache.evict()
	f.cache.mu.Unlock()
	return h, closeAll(victims)
}

func (f *file) use() vfs.File {
	f.cache.mu.Lock()
	defer f.cache.mu.Unlock()
	if f.handle == nil {
		return nil
	}
	f.users++
	f.dequeue()
	return f.handle
}

// evict takes files out of the cache until it is within its limit; the caller closes them without the lock.
func (c *files) evict() (victims []vfs.File) {
	for c.open > c.limit && c.idle.newer != &c.idle {
		f := c.idle.newer
		f.dequeue()
		victims = append(victims, f.handle)
		f.handle = nil
		c.open--
	}
	return victims
}

func closeAll(hs []vfs.File) error {
	for _, h := range hs {
		_ = h.Close() // what was written is in the page cache; a failed write-back comes out of the next Sync
	}
	return nil
}

func (f *file) release() {
	c := f.cache
	c.mu.Lock()
	f.users--
	var victims []vfs.File
	if f.users == 0 {
		if f.gone {
			victims = append(victims, f.handle)
			f.handle, f.gone = nil, false
			c.open--
		} else {
			c.enqueue(f)
			victims = c.evict()
		}
	}
	c.mu.Unlock()
	_ = closeAll(victims)
}

// close gives the descriptor back once nobody uses it. The file may be opened again.
func (f *file) close() {
	c := f.cache
	c.mu.Lock()
	var victims []vfs.File
	switch {
	case f.handle == nil:
	case f.users > 0:
		f.gone = true
	default:
		f.dequeue()
		victims = append(victims, f.handle)
		f.handle = nil
		c.open--
	}
	c.mu.Unlock()
	_ = closeAll(victims)
}

// closeIdle closes what nobody uses.
func (c *files) closeIdle() {
	c.mu.Lock()
	limit := c.limit
	c.limit = 0
	victims := c.evict()
	c.limit = limit
	c.mu.Unlock()
	_ = closeAll(victims)
}

// rename moves the file, whether it is open or not.
func (f *file) rename(to string) error {
	f.opening.Lock()
	defer f.opening.Unlock()
	if err := f.cache.fs.Rename(f.name, to); err != nil {
		return err
	}
	f.name = to
	return nil
}

func (f *file) remove() error {
	f.close()
	f.opening.Lock()
	defer f.opening.Unlock()
	return f.cache.fs.Remove(f.name)
}

func (f *file) path() string {
	f.opening.Lock()
	defer f.opening.Unlock()
	return f.name
}

func (f *file) writeAt(b []byte, at int64) error {
	h, err := f.acquire(true)
	if err != nil {
		return err
	}
	defer f.release()
	_, err = h.WriteAt(b, at)
	return err
}

// readAt fills b as far as the file goes.
func (f *file) readAt(b []byte, at int64) (int, error) {
	h, err := f.acquire(false)
	if err != nil {
		return 0, err
	}
	defer f.release()
	n, err := h.ReadAt(b, at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (f *file) sync() error {
	h, err := f.acquire(false)
	if err != nil {
		return err
	}
	defer f.release()
	return h.Sync()
}

func (f *file) truncate(size int64) error {
	h, err := f.acquire(true)
	if err != nil {
		return err
	}
	defer f.release()
	return h.Truncate(size)
}

// size answers 0 for a missing file.
func (f *file) size() (int64, error) {
	info, err := f.cache.fs.Stat(f.path())
	if isNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("size of %s: %w", f.path(), err)
	}
	return info.Size(), nil
}
