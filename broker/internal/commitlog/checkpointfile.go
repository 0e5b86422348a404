package commitlog

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Kafka's checkpoint files are text: a line with the version 0, a line with the number of entries, then an entry a line.

// parseCheckpoint answers the entries of a checkpoint file, each split into fields many fields.
func parseCheckpoint(data []byte, fields int) ([][]string, error) {
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	if len(lines) < 2 {
		return nil, fmt.Errorf("checkpoint of %d lines", len(lines))
	}
	if string(lines[0]) != "0" {
		return nil, fmt.Errorf("checkpoint of version %q, this program knows 0", lines[0])
	}
	n, err := strconv.Atoi(string(lines[1]))
	if err != nil || n != len(lines)-2 {
		return nil, fmt.Errorf("checkpoint counts %q entries and has %d", lines[1], len(lines)-2)
	}
	entries := make([][]string, 0, n)
	for _, line := range lines[2:] {
		entry := make([]string, 0, fields)
		for _, f := range bytes.Fields(line) {
			entry = append(entry, string(f))
		}
		if len(entry) != fields {
			return nil, fmt.Errorf("checkpoint entry %q has not %d fields", line, fields)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// parseOffsets reads the entries "topic partition offset".
func parseOffsets(data []byte) (map[Partition]int64, error) {
	entries, err := parseCheckpoint(data, 3)
	if err != nil {
		return nil, err
	}
	offsets := make(map[Partition]int64, len(entries))
	for _, e := range entries {
		index, err1 := strconv.ParseInt(e[1], 10, 32)
		offset, err2 := strconv.ParseInt(e[2], 10, 64)
		if err1 != nil || err2 != nil || index < 0 || offset < 0 {
			return nil, fmt.Errorf("checkpoint entry %q", e)
		}
		offsets[Partition{e[0], int32(index)}] = offset
	}
	return offsets, nil
}

func formatOffsets(offsets map[Partition]int64) []byte {
	keys := slices.SortedFunc(maps.Keys(offsets), func(a, b Partition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Index, b.Index))
	})
	out := fmt.Appendf(nil, "0\n%d\n", len(keys))
	for _, p := range keys {
		out = fmt.Appendf(out, "%s %d %d\n", p.Topic, p.Index, offsets[p])
	}
	return out
}

// parseEpochs reads the entries "epoch start-offset". Both must rise.
func parseEpochs(data []byte) ([]epochStart, error) {
	entries, err := parseCheckpoint(data, 2)
	if err != nil {
		return nil, err
	}
	epochs := make([]epochStart, 0, len(entries))
	for _, e := range entries {
		epoch, err1 := strconv.ParseInt(e[0], 10, 32)
		start, err2 := strconv.ParseInt(e[1], 10, 64)
		if err1 != nil || err2 != nil || epoch < 0 || start < 0 {
			return nil, fmt.Errorf("checkpoint entry %q", e)
		}
		if n := len(epochs); n > 0 && (epochs[n-1].epoch >= int32(epoch) || epochs[n-1].start > start) {
			return nil, fmt.Errorf("checkpoint entry %q behind epoch %d from %d", e, epochs[n-1].epoch, epochs[n-1].start)
		}
		epochs = append(epochs, epochStart{int32(epoch), start})
	}
	return epochs, nil
}

func formatEpochs(epochs []epochStart) []byte {
	out := fmt.Appendf(nil, "0\n%d\n", len(epochs))
	for _, e := range epochs {
		out = fmt.Appendf(out, "%d %d\n", e.epoch, e.start)
	}
	return out
}

// readOffsets answers the offsets in a checkpoint file. A missing file has none; so has one that cannot be read as a
// checkpoint, because it never wins over the logs it was made from: the fault comes back beside the empty map.
func readOffsets(fsys vfs.FS, name string) (offsets map[Partition]int64, fault, err error) {
	data, err := vfs.ReadFile(fsys, name)
	if isNotExist(err) {
		return map[Partition]int64{}, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", name, err)
	}
	if offsets, err = parseOffsets(data); err != nil {
		return map[Partition]int64{}, fmt.Errorf("%s: %w", name, err), nil
	}
	return offsets, nil, nil
}
