package ring

import (
	"errors"
	"fmt"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// chunk is what is filled at once, and synced at once: so little is dirty at any time that the
// journal's own syncs do not wait for it.
const chunk = 1 << 20

// fresh makes a new spare, empty. It leaves the rest of the broker room: a disk that is nearly full
// keeps what it has.
func (k *keeper) fresh() error {
	free, _, err := k.fs.Space(k.dir)
	if err != nil {
		return err
	}
	if free < 2*uint64(k.options.FileBytes) {
		return fmt.Errorf("%w: %d bytes", errLack, free)
	}
	name := k.unused(freshPrefix)
	f, err := k.fs.Open(name, vfs.ReadWrite|vfs.Create|vfs.Exclusive)
	if err != nil {
		return err
	}
	k.spares = append(k.spares, spare{name, 0})
	return f.Close()
}

// fill writes one chunk of zeros to the end of spare i, and answers the pause that keeps the rate.
func (k *keeper) fill(i int) (time.Duration, error) {
	s := &k.spares[i]
	if k.zeros == nil {
		k.zeros = vfs.AlignedBuffer(chunk)
	}
	from := s.size &^ (vfs.DirectAlign - 1)
	n := min(chunk, k.options.FileBytes-from)
	if err := k.writeZeros(s.name, from, int(n)); err != nil {
		return 0, err
	}
	s.size = from + n
	return time.Duration(n) * time.Second / time.Duration(k.options.FillRate), nil
}

// writeZeros bypasses the page cache where it can: nobody reads these.
func (k *keeper) writeZeros(name string, from int64, n int) error {
	f, err := k.fs.Open(name, vfs.ReadWrite|vfs.Direct)
	if refusesDirect(err) {
		f, err = k.fs.Open(name, vfs.ReadWrite)
	}
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(k.zeros[:n], from); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
