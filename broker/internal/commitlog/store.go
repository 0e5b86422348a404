package commitlog

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Store is all partitions on the disks of a node. Open makes one, Run keeps it going. All methods may be called at once.
type Store struct {
	cfg         Config
	log         *slog.Logger
	files       *files
	directories []*directory
	metadata    *directory
	clusterID   string

	closing atomic.Bool
	repairs atomic.Int64 // indexes rebuilt
	retired atomic.Int64 // numbers .deleted names
	clock   saneClock    // owned by the retention loop
	cleaned cleanerStats

	mu       sync.RWMutex // guards the fields below; never held over I/O
	logs     map[Partition]*Log
	making   map[Partition]*creation
	raft     [][]byte // what recovery found, in order
	onRaft   func() error
	removals []removal
}

// removal is a file or directory to unlink when its time has come.
type removal struct {
	at time.Time
	fn func() error
}

func (c Config) withDefaults() (Config, error) {
	if len(c.Dirs) == 0 || c.FS == nil {
		return c, errors.New("a store needs a file system and at least one of log.dirs")
	}
	if c.MetadataDir == "" {
		c.MetadataDir = c.Dirs[0]
	}
	c.JournalEngine = cmp.Or(c.JournalEngine, "ring")
	c.CheckpointInterval = cmp.Or(c.CheckpointInterval, 30*time.Second)
	c.RetentionInterval = cmp.Or(c.RetentionInterval, 5*time.Minute)
	c.HighWatermarkEvery = cmp.Or(c.HighWatermarkEvery, 5*time.Second)
	c.RecoveryThreads = cmp.Or(c.RecoveryThreads, 2)
	if c.ProducerExpiration == nil {
		c.ProducerExpiration = func() time.Duration { return 24 * time.Hour }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Open locks the directories and recovers what is in them. It starts no goroutine that outlives it; the directories stay
// locked until Run returned, or Close.
func Open(cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, log: cfg.Logger, files: newFiles(cfg.FS, maxOpenFiles), logs: map[Partition]*Log{}, making: map[Partition]*creation{}}
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("open the log directories: %w", err), s.abandon())
	}
	return s, nil
}

func (s *Store) open() error {
	s.clusterID = s.cfg.ClusterID
	for _, dir := range s.cfg.Dirs {
		d := newDirectory(s, path.Clean(dir))
		s.directories = append(s.directories, d)
		if d.path == path.Clean(s.cfg.MetadataDir) {
			s.metadata = d
		}
		if err := d.prepare(); err != nil {
			return err
		}
	}
	if s.metadata == nil {
		d := newDirectory(s, path.Clean(s.cfg.MetadataDir))
		s.directories, s.metadata = append(s.directories, d), d
		if err := d.prepare(); err != nil {
			return err
		}
	}
	for _, d := range s.directories {
		if err := d.recover(); err != nil {
			return fmt.Errorf("%s: %w", d.path, err)
		}
	}
	return nil
}

// prepare makes, locks and identifies the directory.
func (d *directory) prepare() (err error) {
	fsys := d.store.cfg.FS
	if err := vfs.MkdirAllSync(fsys, d.path); err != nil {
		return err
	}
	if d.lock, err = fsys.Lock(d.file(lockFile)); err != nil {
		return fmt.Errorf("lock %s: %w", d.path, err)
	}
	if d.meta, err = loadMeta(fsys, d.path, d.store.cfg.NodeID, d.store.clusterID); err != nil {
		return err
	}
	d.store.clusterID = d.meta.clusterID
	return nil
}

// ClusterID is the cluster that the directories belong to.
func (s *Store) ClusterID() string { return s.clusterID }

// NodeID is the node that the directories belong to.
func (s *Store) NodeID() int32 { return s.cfg.NodeID }

// IndexRepairs counts the indexes that were rebuilt because they did not fit their logs.
func (s *Store) IndexRepairs() int64 { return s.repairs.Load() }

// DirectoryID is the id of one of log.dirs; zero for any other.
func (s *Store) DirectoryID(dir string) [16]byte {
	for _, d := range s.directories {
		if d.path == path.Clean(dir) {
			return d.meta.directory
		}
	}
	return [16]byte{}
}

// DirState describes one log directory.
type DirState struct {
	Path                  string
	ID                    [16]byte
	Offline               error  // why it is offline; nil while it is not
	FreeBytes, TotalBytes uint64 // of the volume; 0 when unknown
}

// Dirs answers the state of every log directory.
func (s *Store) Dirs() []DirState {
	out := make([]DirState, 0, len(s.directories))
	for _, d := range s.directories {
		free, total, _ := s.cfg.FS.Space(d.path)
		out = append(out, DirState{d.path, d.meta.directory, d.err(), free, total})
	}
	return out
}

// Log answers the log of p, nil when there is none.
func (s *Store) Log(p Partition) *Log {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.logs[p]
}

// Logs answers all logs by topic and partition.
func (s *Store) Logs() []*Log {
	s.mu.RLock()
	out := make([]*Log, 0, len(s.logs))
	for _, l := range s.logs {
		out = append(out, l)
	}
	s.mu.RUnlock()
	slices.SortFunc(out, func(a, b *Log) int {
		return cmp.Or(cmp.Compare(a.partition.Topic, b.partition.Topic), cmp.Compare(a.partition.Index, b.partition.Index))
	})
	return out
}

// logs answers the directory's logs.
func (d *directory) logs() []*Log {
	return slices.DeleteFunc(d.store.Logs(), func(l *Log) bool { return l.directory != d })
}

// AppendRaft journals one RAFT record; the channel yields once it is durable, or why it will not be. The payload is
// borrowed until then.
func (s *Store) AppendRaft(payload []byte) <-chan error {
	done := make(chan error, 1)
	if s.closing.Load() {
		done <- ErrClosed
		return done
	}
	s.metadata.enqueue(entry{record: journal.Record{Type: journal.Raft, Payload: payload}, end: noEnd, done: done})
	return done
}

// ReplayedRaft answers the RAFT payloads that recovery found, in order.
func (s *Store) ReplayedRaft() [][]byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.raft
}

// OnRaftCheckpoint sets who makes the RAFT records durable elsewhere before their generation is released.
func (s *Store) OnRaftCheckpoint(fn func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onRaft = fn
}

func (s *Store) checkpointRaft() error {
	s.mu.RLock()
	fn := s.onRaft
	s.mu.RUnlock()
	if fn == nil {
		return errors.New("nobody takes over the RAFT records")
	}
	return fn()
}

// deletedName is a suffix for a file that is removed later, unlike any before.
func (s *Store) deletedName() string { return fmt.Sprintf(".%d%s", s.retired.Add(1), deletedSuffix) }
