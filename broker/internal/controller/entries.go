package controller

import (
	"errors"
	"fmt"

	"github.com/mainstem-io/mainstem/broker/internal/quorum"
	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// An entries file holds entries of the log as batches: one batch with one record for each, its offset the index, its leader
// epoch the term. A key is the kind of an entry that is none of ours: raft's membership changes.
const entriesSuffix = ".entries"

var errEntries = errors.New("damaged entries")

func entriesName(sequence uint64) string { return fmt.Sprintf("%020d%s", sequence, entriesSuffix) }

func encodeEntries(entries []quorum.Entry) ([]byte, error) {
	var out []byte
	for _, e := range entries {
		b := record.Builder{BaseOffset: int64(e.Index), LeaderEpoch: epoch(e.Term)}
		var key []byte
		if e.Kind != quorum.Normal {
			key = []byte{byte(e.Kind)}
		}
		b.Append(0, key, e.Data, nil)
		batch, err := b.Build()
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.Index, err)
		}
		out = append(out, batch...)
	}
	return out, nil
}

func decodeEntries(b []byte) ([]quorum.Entry, error) {
	var out []quorum.Entry
	for len(b) > 0 {
		batch, rest, err := record.First(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errEntries, err)
		}
		if !batch.CheckCRC() || batch.Count() != 1 {
			return nil, fmt.Errorf("%w: bad batch at %d", errEntries, batch.BaseOffset())
		}
		records, err := batch.Records(nil)
		if err != nil || !records.Next() {
			return nil, fmt.Errorf("%w: no record at %d", errEntries, batch.BaseOffset())
		}
		rec := records.Record()
		e := quorum.Entry{Index: uint64(batch.BaseOffset()), Term: uint64(uint32(batch.LeaderEpoch()))}
		if len(rec.Key) == 1 {
			e.Kind = quorum.Kind(rec.Key[0])
		}
		if len(rec.Value) > 0 {
			e.Data = append([]byte(nil), rec.Value...)
		}
		out, b = append(out, e), rest
	}
	return out, nil
}
