package controller

import (
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// anyConfig takes every key and value.
type anyConfig struct{}

func (anyConfig) Validate(metadata.ResourceType, string, string, string) error       { return nil }
func (anyConfig) ValidateSet(metadata.ResourceType, string, map[string]string) error { return nil }
func (anyConfig) List(metadata.ResourceType, string) bool                            { return false }
func (anyConfig) Default(metadata.ResourceType, string) string                       { return "" }

var _ cluster.Configs = anyConfig{}

// journal is a store's RAFT records in memory. gate, when set, holds every append until it yields.
type journal struct {
	mu         sync.Mutex
	records    [][]byte
	replayed   [][]byte
	appends    int
	fail       error
	gate       chan struct{}
	checkpoint func() error
}

func (j *journal) AppendRaft(payload []byte) <-chan error {
	done := make(chan error, 1)
	go func() {
		if j.gate != nil {
			<-j.gate
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		if j.appends++; j.fail == nil {
			j.records = append(j.records, slices.Clone(payload))
		}
		done <- j.fail
	}()
	return done
}

func (j *journal) ReplayedRaft() [][]byte           { return j.replayed }
func (j *journal) OnRaftCheckpoint(fn func() error) { j.checkpoint = fn }

// restart is the journal as the next process finds it.
func (j *journal) restart() *journal {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := slices.Clone(j.records)
	return &journal{records: all, replayed: all}
}

// release checkpoints and drops what was durable before it, as a store does with a generation.
func (j *journal) release() error {
	j.mu.Lock()
	n := len(j.records)
	j.mu.Unlock()
	if err := j.checkpoint(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records = slices.Clone(j.records[n:])
	return nil
}

// snapshotsIn lists the snapshot files of a disk, oldest first.
func snapshotsIn(t *testing.T, fs vfs.FS) []string {
	t.Helper()
	files, err := fs.List(path.Join(dataDir, Directory))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		if strings.HasSuffix(f.Name(), snapshotSuffix) {
			out = append(out, path.Join(dataDir, Directory, f.Name()))
		}
	}
	return out
}
