package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/mainstem-io/mainstem/broker/internal/quorum"
)

// stateName is Kafka's name, and the first names below are Kafka's.
const stateName = "quorum-state"

// stateFile is the hard state, and where the entries of the log are.
type stateFile struct {
	ClusterID   string        `json:"clusterId"`
	LeaderEpoch uint64        `json:"leaderEpoch"` // the term
	VotedID     quorum.NodeID `json:"votedId"`
	DataVersion int           `json:"data_version"`
	Commit      uint64        `json:"commit"`
	Sequence    uint64        `json:"sequence"` // of the last RAFT record that the files hold, and the name of the entries file
	BaseIndex   uint64        `json:"baseIndex"`
	BaseTerm    uint64        `json:"baseTerm"`
	Checksum    uint32        `json:"crc32c"` // of this file with a checksum of 0
}

var errState = errors.New("damaged " + stateName)

func (f stateFile) encode() []byte {
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // plain numbers and one string
	}
	return b
}

func (f stateFile) sum() uint32 {
	f.Checksum = 0
	return crc32.Checksum(f.encode(), crc32.MakeTable(crc32.Castagnoli))
}

func encodeState(clusterID string, s state) []byte {
	f := stateFile{
		ClusterID: clusterID, LeaderEpoch: s.hard.Term, VotedID: s.hard.Vote, DataVersion: 1, Commit: s.hard.Commit, Sequence: s.sequence,
		BaseIndex: s.base.index, BaseTerm: s.base.term,
	}
	f.Checksum = f.sum()
	return append(f.encode(), '\n')
}

func decodeState(b []byte, clusterID string) (stateFile, error) {
	var f stateFile
	if err := json.Unmarshal(b, &f); err != nil {
		return f, fmt.Errorf("%w: %w", errState, err)
	}
	if f.DataVersion != 1 || f.Checksum != f.sum() {
		return f, fmt.Errorf("%w: version %d, checksum %d", errState, f.DataVersion, f.Checksum)
	}
	if f.ClusterID != clusterID {
		return f, fmt.Errorf("%s belongs to the cluster %q, not to %q", stateName, f.ClusterID, clusterID)
	}
	return f, nil
}
