package commitlog

import (
	"cmp"
	"fmt"
	"path"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// What the journal's APPEND records are gathered to before they are written: per partition, and over all of them.
const (
	replayChunkBytes   = 64 << 10
	replayPendingBytes = 32 << 20
	spareChunks        = 64
)

// replay is what the journal says about one log.
type replay struct {
	log       *Log
	point     int64 // recovery point: what lies below is in the segments. A TRUNCATE lowers it for what follows
	known     bool  // the recovery point is known, so that less than it means a loss
	start     int64 // log start offset
	epochs    []epochStart
	truncated bool
	cutTo     int64 // the lowest end of all TRUNCATEs
	deleted   bool
	clean     bool // the last stop was
	noEpochs  bool // the epochs' checkpoint cannot be read
	// lostSnapshot: the newest snapshot is gone, so the state may have changed below the recovery point since the one
	// that is the newest now.
	lostSnapshot bool

	// The journal's last word on where the log ends: set once an APPEND or TRUNCATE counts.
	touched bool
	wasCut  bool // it was a TRUNCATE
	segBase int64
	endPos  int64
	end     int64

	// Appends that follow each other, not written yet: at position at of segment base.
	base int64
	at   int64
	data []byte
}

// apply takes one journal record, in order.
func (r *recovery) apply(gen journal.Gen, rec journal.Record) error {
	if gen != r.gen || r.local == nil {
		r.gen, r.local = gen, map[uint32]*replay{}
	}
	switch rec.Type {
	case journal.Raft:
		r.raft = append(r.raft, append([]byte(nil), rec.Payload...))
		return nil
	case journal.Partition:
		return r.declare(rec)
	}
	re := r.local[rec.Partition]
	if re == nil || re.deleted { // its directory is gone: it was deleted
		return nil
	}
	switch rec.Type {
	case journal.Append:
		return r.append(re, rec)
	case journal.Truncate:
		return r.truncate(re, rec)
	case journal.LogStart:
		re.start = max(re.start, rec.BaseOffset)
	case journal.Epoch:
		re.epochs = append(re.epochs, epochStart{rec.LeaderEpoch, rec.BaseOffset})
	case journal.Delete:
		re.deleted = true
		r.pending -= int64(len(re.data))
		re.data = nil
	default:
		return fmt.Errorf("%w: journal record of type %d", ErrCorrupt, rec.Type)
	}
	return nil
}

func (r *recovery) declare(rec journal.Record) error {
	topicID, p, err := parseDescription(rec.Payload)
	if err != nil {
		return err
	}
	re := r.replays[p]
	if re != nil && re.log.topicID != topicID { // the topic was deleted and made again
		re = nil
	}
	r.local[rec.Partition] = re
	return nil
}

func (r *recovery) append(re *replay, rec journal.Record) error {
	b, rest, err := record.First(rec.Payload)
	if err != nil || len(rest) > 0 {
		return fmt.Errorf("%w: journal record of %v at %d: %w", ErrCorrupt, re.log.partition, rec.BaseOffset, cmp.Or(err, errTrailing))
	}
	if b.NextOffset() <= re.point || b.NextOffset() <= re.start && !re.touched {
		return nil
	}
	re.touched, re.wasCut = true, false
	re.segBase, re.endPos, re.end = rec.SegmentBase, rec.Position+int64(len(b)), b.NextOffset()
	if len(re.data) > 0 && (re.base != rec.SegmentBase || re.at+int64(len(re.data)) != rec.Position || len(re.data) >= replayChunkBytes) {
		if err := r.write(re); err != nil {
			return err
		}
	}
	if len(re.data) == 0 {
		re.base, re.at = rec.SegmentBase, rec.Position
		if n := len(r.spare); n > 0 {
			re.data, r.spare = r.spare[n-1], r.spare[:n-1]
		}
	}
	re.data = append(re.data, b...)
	if r.pending += int64(len(b)); r.pending > replayPendingBytes {
		return r.flushAll()
	}
	return nil
}

// write brings the gathered appends into their segment, which is made again if it vanished. Writing twice changes nothing.
func (r *recovery) write(re *replay) error {
	if len(re.data) == 0 {
		return nil
	}
	l := re.log
	f := l.store.files.file(path.Join(l.path, offsetName(re.base, logSuffix)))
	defer f.close()
	if err := f.writeAt(re.data, re.at); err != nil {
		return fmt.Errorf("replay %v at %d: %w", l.partition, re.base, err)
	}
	r.pending -= int64(len(re.data))
	if len(r.spare) < spareChunks && cap(re.data) >= replayChunkBytes {
		r.spare = append(r.spare, re.data[:0])
	}
	re.data = nil
	return nil
}

func (r *recovery) flushAll() error {
	for _, re := range r.replays {
		if err := r.write(re); err != nil {
			return err
		}
	}
	return nil
}

// truncate cuts the files as they were cut then: what is appended behind it may roll at other offsets, and must not find
// the bytes of an older history in a file of the same name.
func (r *recovery) truncate(re *replay, rec journal.Record) error {
	if err := r.write(re); err != nil {
		return err
	}
	if err := re.log.cutFiles(rec.SegmentBase, rec.Position); err != nil {
		return fmt.Errorf("replay the truncation of %v to %d: %w", re.log.partition, rec.BaseOffset, err)
	}
	if !re.truncated || rec.BaseOffset < re.cutTo {
		re.cutTo = rec.BaseOffset
	}
	re.truncated, re.touched, re.wasCut = true, true, true
	re.point = min(re.point, rec.BaseOffset)
	re.start = min(re.start, rec.BaseOffset)
	re.segBase, re.endPos, re.end = rec.SegmentBase, rec.Position, rec.BaseOffset
	for len(re.epochs) > 0 && re.epochs[len(re.epochs)-1].start >= rec.BaseOffset {
		re.epochs = re.epochs[:len(re.epochs)-1]
	}
	return nil
}

// cutFiles removes all segments behind base, and what lies beyond position in that one.
func (l *Log) cutFiles(base, position int64) error {
	files, err := listPartition(l.store.cfg.FS, l.path)
	if err != nil {
		return err
	}
	for _, b := range files.bases {
		s := newSegment(l.store.files, l.path, b, l.store.cfg.Now(), nil)
		switch {
		case b > base:
			err = s.remove()
		case b == base:
			err = s.cutFile(position)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cutFile shortens the file to position; one that is shorter stays as it is.
func (s *segment) cutFile(position int64) error {
	size, err := s.log.size()
	if err != nil || size <= position {
		return err
	}
	defer s.log.close()
	return s.log.truncate(position)
}
