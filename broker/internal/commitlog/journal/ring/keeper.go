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
		return 0, true, k.soften(-1, err)
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
		return nil //nolint:nilerr // it was answered to whoever committed; the disk is not to be trusted with more
	}
	if err := k.tidy(); err != nil {
		return fmt.Errorf("close journal %s: %w", k.dir, err)
	}
	return nil
}
