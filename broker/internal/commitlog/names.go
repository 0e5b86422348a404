package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Names of Kafka's files.
const (
	logSuffix       = ".log"
	indexSuffix     = ".index"
	timeIndexSuffix = ".timeindex"
	txnIndexSuffix  = ".txnindex"
	snapshotSuffix  = ".snapshot"
	deletedSuffix   = ".deleted" // a segment's file that is removed later
	cleanedSuffix   = ".cleaned" // a file of a segment that the cleaner writes
	swapSuffix      = ".swap"    // the same when it is whole and about to take its place
	deleteSuffix    = "-delete"  // a partition's directory that is removed later

	metaFile           = "meta.properties"
	lockFile           = ".lock"
	cleanShutdownFile  = ".kafka_cleanshutdown"
	journalStateFile   = "journal-state"
	recoveryPointFile  = "recovery-point-offset-checkpoint"
	logStartFile       = "log-start-offset-checkpoint"
	highWatermarkFile  = "replication-offset-checkpoint"
	cleanerPointFile   = "cleaner-offset-checkpoint"
	leaderEpochFile    = "leader-epoch-checkpoint"
	partitionMetaFile  = "partition.metadata"
	defaultJournalName = "journal"
	metadataLogName    = "__cluster_metadata-0" // the controller's files: named as a partition, and none of ours
)

func offsetName(offset int64, suffix string) string { return fmt.Sprintf("%020d%s", offset, suffix) }

// parseOffsetName reads the offset of a file name with suffix.
func parseOffsetName(name, suffix string) (int64, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	offset, err := strconv.ParseInt(digits, 10, 64)
	return offset, err == nil && offset >= 0
}

// String is the name of the partition's directory.
func (p Partition) String() string { return fmt.Sprintf("%s-%d", p.Topic, p.Index) }

// parsePartition reads a directory's name; topics may have dashes.
func parsePartition(name string) (Partition, bool) {
	i := strings.LastIndexByte(name, '-')
	if i <= 0 {
		return Partition{}, false
	}
	index, err := strconv.ParseInt(name[i+1:], 10, 32)
	if err != nil || index < 0 || strconv.FormatInt(index, 10) != name[i+1:] {
		return Partition{}, false
	}
	return Partition{name[:i], int32(index)}, true
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
