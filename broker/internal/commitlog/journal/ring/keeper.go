package ring

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Beginnings of the names of spares.
const (
	freshPrefix = "fresh-" // never used, being filled
	usedPrefix  = "used-"
)

// files is how many files the ring has when all goes well. When checkpoints are late there are more,
// and those are removed when they are released.
const files = 4

// keeper looks after the files that are not written to: it takes released generations back, fills
// spares with zeros and puts one under the next generation's name ahead of time.
type keeper struct {
	fs      vfs.FS
	dir     string
	options journal.Options
	poison  *journal.Poison
	kick    chan struct{} // capacity 1: something changed, look again
	stop    chan struct{} // closed by close
	started bool          // by the journal's goroutine only
	done    sync.WaitGroup

	mu       sync.Mutex  // guards the fields below; never held over I/O
	settled  *sync.Cond  // signals that naming has become false
	next     journal.Gen // to prepare; 0: none for now
	named    bool        // the file of generation next is there, its name durable
	naming   bool        // a spare is being renamed to next at this moment
	released journal.Gen
	full     bool // no space: no filling until the next rotation

	// Of the keeper's goroutine; of the journal's, before that starts and after it has ended.
	loaded bool
	spares []spare
	zeros  []byte
	told   bool // that there is no space
}

// spare is a file without a generation.
type spare struct {
	name string
	size int64
}

func newKeeper(fs vfs.FS, dir string, options journal.Options, poison *journal.Poison) *keeper {
	k := &keeper{fs: fs, dir: dir, options: options, poison: poison,
		kick: make(chan struct{}, 1), stop: make(chan struct{})}
	k.settled = sync.NewCond(&k.mu)
	return k
}

// start starts the goroutine, once.
func (k *keeper) start() {
	if !k.started {
		k.started = true
		k.done.Go(k.run)
	}
}

// claim takes generation gen for the journal, and answers whether the file is there under its name; if
// not, the journal makes it. Until proceed the keeper names no file, or a crash could leave the
// generation after gen without gen.
func (k *keeper) claim(gen journal.Gen) (named bool, err error) {
	if !k.started {
		return k.claimSpare(gen)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.naming {
		k.settled.Wait()
	}
	named = k.named && k.next == gen
	k.next, k.named = 0, false
	return named, nil
}

// claimSpare is claim at a start, before there is a goroutine: an earlier run's spare saves the filling,
// and needs no space on a disk that is full.
func (k *keeper) claimSpare(gen journal.Gen) (named bool, err error) {
	if err := k.load(); err != nil {
		return false, err
	}
	if _, err := k.fs.Stat(filepath.Join(k.dir, journal.GenName(gen, Suffix))); err == nil {
		return true, k.fs.SyncDir(k.dir) // the last run had named it already
	}
	i := k.best(true)
	if i < 0 {
		return false, nil
	}
	return true, k.rename(i, gen)
}

// rename puts spare i under the name of generation gen, for good.
func (k *keeper) rename(i int, gen journal.Gen) error {
	err := k.fs.Rename(k.spares[i].name, filepath.Join(k.dir, journal.GenName(gen, Suffix)))
	if err == nil {
		err = k.fs.SyncDir(k.dir)
	}
	k.spares = slices.Delete(k.spares, i, i+1)
	return err
}

// proceed says that the generation before next is durable: next is the one to prepare.
func (k *keeper) proceed(next journal.Gen) {
	k.mu.Lock()
	k.next, k.full = next, false
	k.mu.Unlock()
	k.wake()
}

// release gives the generations up to upTo back.
func (k *keeper) release(upTo journal.Gen) {
	k.mu.Lock()
	k.released = max(k.released, upTo)
	k.mu.Unlock()
	k.wake()
}

func (k *keeper) wake() {
	select {
	case k.kick <- struct{}{}:
	default:
	}
}

// run does one small step after the other, the most urgent first.
func (k *keeper) run() {
	err := k.load()
	for err == nil {
		select {
		case <-k.stop:
			return
		default:
		}
		var pause time.Duration
		var idle bool
		if pause, idle, err = k.step(); err == nil {
			k.wait(pause, idle)
		}
	}
	k.poison.Fail(fmt.Errorf("prepare journal files in %s: %w", k.dir, err))
}

func (k *keeper) wait(pause time.Duration, idle bool) {
	if idle {
		select {
		case <-k.kick:
		case <-k.stop:
		}
		return
	}
	if pause == 0 {
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-k.stop:
	}
}

// step answers how long to pause before the next one, or that there is nothing to do.
func (k *keeper) step() (pause time.Duration, idle bool, err error) {
	gens, err := journal.ListGens(k.fs, k.dir, Suffix)
	if err != nil {
		return 0, false, err
	}
	if did, err := k.takeBack(gens); did || err != nil {
		return 0, false, err
	}
	k.mu.Lock()
	wanted, full := k.next != 0 && !k.named, k.full
	k.mu.Unlock()
	if i := k.best(full); wanted && i >= 0 {
		return 0, false, k.nameNext(i)
	}
	if full {
		return 0, true, nil
	}
	for i := range k.spares {
		if k.spares[i].size < k.options.FileBytes {
			pause, err = k.fill(i)
			return pause, false, k.soften(i, err)
		}
	}
	if len(gens)+len(k.spares) < files {
		return 0, false, k.soften(-1, k.fresh())
	}
	return 0, true, nil
}

// best answers the spare to put in place next: a filled one, or the largest when filling has to stop.
// -1: none.
func (k *keeper) best(full bool) int {
	largest := -1
	for i, s := range k.spares {
		if (s.size >= k.options.FileBytes || full) && (largest < 0 || s.size > k.spares[largest].size) {
			largest = i
		}
	}
	return largest
}

// soften makes a lack of space, or of files, a reason to wait for the next rotation: nothing that
// was promised is lost. A fresh file gives its space back.
func (k *keeper) soften(i int, err error) error {
	if err == nil || !isLack(err) {
		return err
	}
	k.mu.Lock()
	k.full = true
	k.mu.Unlock()
	if !k.told {
		k.told = true
		k.options.Logger.Warn("no space to prepare journal files, they grow by appending", "dir", k.dir, "error", err)
	}
	if i >= 0 && strings.HasPrefix(filepath.Base(k.spares[i].name), freshPrefix) {
		name := k.spares[i].name
		k.spares = slices.Delete(k.spares, i, i+1)
		return k.fs.Remove(name)
	}
	return nil
}

var errLack = errors.New("little free space")

func isLack(err error) bool {
	for _, lack := range []error{errLack, syscall.ENOSPC, syscall.EDQUOT, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, lack) {
			return true
		}
	}
	return false
}

// load finds the files that earlier runs left, once.
func (k *keeper) load() error {
	if k.loaded {
		return nil
	}
	k.loaded = true
	entries, err := k.fs.List(k.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), SpareSuffix) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		k.spares = append(k.spares, spare{filepath.Join(k.dir, e.Name()), info.Size()})
	}
	return nil
}

// takeBack makes the oldest generation, if it is released, a spare, or removes it when there are enough files.
// One at a time and oldest first, so that no crash leaves a gap.
func (k *keeper) takeBack(gens []journal.Gen) (did bool, err error) {
	k.mu.Lock()
	released := k.released
	k.mu.Unlock()
	if len(gens) == 0 || gens[0] > released {
		return false, nil
	}
	name := filepath.Join(k.dir, journal.GenName(gens[0], Suffix))
	if len(gens)+len(k.spares) > files {
		err = k.fs.Remove(name)
	} else {
		err = k.toSpare(name)
	}
	if err == nil {
		err = k.fs.SyncDir(k.dir)
	}
	return true, err
}

// toSpare renames a generation. One that outgrew its size is cut back.
func (k *keeper) toSpare(name string) error {
	info, err := k.fs.Stat(name)
	if err != nil {
		return err
	}
	size := min(info.Size(), k.options.FileBytes)
	if info.Size() > size {
		if err := k.shrink(name, size); err != nil {
			return err
		}
	}
	to := k.unused(usedPrefix)
	if err := k.fs.Rename(name, to); err != nil {
		return err
	}
	k.spares = append(k.spares, spare{to, size})
	return nil
}

// unused answers a name for a spare that none has.
func (k *keeper) unused(prefix string) string {
	for i := 1; ; i++ {
		name := filepath.Join(k.dir, fmt.Sprintf("%s%d%s", prefix, i, SpareSuffix))
		if !slices.ContainsFunc(k.spares, func(s spare) bool { return s.name == name }) {
			return name
		}
	}
}

func (k *keeper) shrink(name string, size int64) error {
	f, err := k.fs.Open(name, vfs.ReadWrite)
	if err != nil {
		return err
	}
	if err = f.Truncate(size); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// nameNext puts spare i under the next generation's name, before it is needed. Claim waits for it.
func (k *keeper) nameNext(i int) error {
	k.mu.Lock()
	next := k.next
	k.naming = next != 0 // it may have been claimed since step looked
	k.mu.Unlock()
	if next == 0 {
		return nil
	}
	err := k.rename(i, next)
	k.mu.Lock()
	k.naming, k.named = false, err == nil
	k.mu.Unlock()
	k.settled.Broadcast()
	return err
}

// close ends the goroutine and puts the files in order: what was released is taken back, and the next
// generation's file becomes a spare again, so that the next start need not look into it.
func (k *keeper) close() error {
	select {
	case <-k.stop:
		return nil // closed before
	default:
	}
	close(k.stop)
	k.done.Wait()
	if k.poison.Err() != nil {
		return nil // the disk is not to be trusted
	}
	if err := k.tidy(); err != nil {
		return fmt.Errorf("close journal %s: %w", k.dir, err)
	}
	return nil
}

func (k *keeper) tidy() error {
	if err := k.load(); err != nil {
		return err
	}
	for did := true; did; {
		gens, err := journal.ListGens(k.fs, k.dir, Suffix)
		if err == nil {
			did, err = k.takeBack(gens)
		}
		if err != nil {
			return err
		}
	}
	if !k.named {
		return nil
	}
	if err := k.toSpare(filepath.Join(k.dir, journal.GenName(k.next, Suffix))); err != nil {
		return err
	}
	return k.fs.SyncDir(k.dir)
}
