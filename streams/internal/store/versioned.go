package store

import (
	"encoding/binary"
	"math"
	"slices"
)

// Version is one value of a key's history; a nil Value is a delete.
type Version struct {
	Time  int64
	Value []byte
}

// Versioned keeps what a key was worth at each time (KIP-889). A put older than Observed - history is refused; of versions
// that were replaced that long ago only the one that is still worth something at the horizon stays.
type Versioned struct {
	rows     Map
	history  int64
	observed int64
}

// NewVersioned opens a versioned store over its rows.
func NewVersioned(rows Map, history, observed int64) *Versioned {
	v := &Versioned{rows: rows, history: history, observed: observed}
	if observed == None {
		rows.Ascend(nil, nil, func(_, row []byte) bool {
			if vs := parseVersions(row); len(vs) > 0 {
				v.observed = max(v.observed, vs[len(vs)-1].Time)
			}
			return true
		})
	}
	return v
}

// Observed is the highest time ever put.
func (v *Versioned) Observed() int64 { return v.observed }

func parseVersions(row []byte) []Version {
	var out []Version
	for len(row) >= 12 {
		t := int64(binary.BigEndian.Uint64(row))
		n := int32(binary.BigEndian.Uint32(row[8:]))
		row = row[12:]
		ver := Version{Time: t}
		if n >= 0 {
			ver.Value = row[:n:n]
			row = row[n:]
		}
		out = append(out, ver)
	}
	return out
}

func appendVersions(dst []byte, vs []Version) []byte {
	for _, ver := range vs {
		dst = binary.BigEndian.AppendUint64(dst, uint64(ver.Time))
		if ver.Value == nil {
			dst = binary.BigEndian.AppendUint32(dst, math.MaxUint32)
			continue
		}
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(ver.Value)))
		dst = append(dst, ver.Value...)
	}
	return dst
}

// Put adds a version; a nil value is a delete as of t. kept is false for one that is too old, latest says that no newer version is there.
func (v *Versioned) Put(key, value []byte, t int64) (latest, kept bool) {
	v.observed = max(v.observed, t)
	h := horizon(v.observed, v.history)
	if h != None && t < h {
		return false, false
	}
	row, _ := v.rows.Get(key)
	vs := parseVersions(row)
	i, there := slices.BinarySearchFunc(vs, t, func(ver Version, t int64) int {
		switch {
		case ver.Time < t:
			return -1
		case ver.Time > t:
			return 1
		}
		return 0
	})
	latest = i == len(vs) || there && i == len(vs)-1
	if there {
		vs[i].Value = value
	} else {
		vs = slices.Insert(vs, i, Version{t, value})
	}
	v.write(key, v.trim(vs, horizon(v.observed, v.history+v.slack())))
	return latest, true
}

// slack is how much longer than the history versions stay, so that a put seldom has to drop any: the interval of the JVM's segments.
func (v *Versioned) slack() int64 { return max(v.history/3, 2000) }

// trim drops what no read at or after the horizon can see, and deletes that nothing precedes.
func (v *Versioned) trim(vs []Version, h int64) []Version {
	first := 0
	for first+1 < len(vs) && h != None && vs[first+1].Time <= h {
		first++
	}
	for first < len(vs) && vs[first].Value == nil && h != None && vs[first].Time <= h {
		first++
	}
	return vs[first:]
}

func (v *Versioned) write(key []byte, vs []Version) {
	if len(vs) == 0 {
		v.rows.Delete(key)
		return
	}
	v.rows.Set(slices.Clone(key), appendVersions(nil, vs))
}

// Get is the newest version of a key; false when there is none or it is a delete.
func (v *Versioned) Get(key []byte) (Version, bool) {
	row, _ := v.rows.Get(key)
	vs := parseVersions(row)
	if len(vs) == 0 || vs[len(vs)-1].Value == nil {
		return Version{}, false
	}
	return vs[len(vs)-1], true
}

// GetAsOf is what the key was worth at t; false when nothing, or when t is older than the history.
func (v *Versioned) GetAsOf(key []byte, t int64) (Version, bool) {
	row, _ := v.rows.Get(key)
	vs := parseVersions(row)
	i := len(vs) - 1
	for i >= 0 && vs[i].Time > t {
		i--
	}
	if i < 0 || vs[i].Value == nil {
		return Version{}, false
	}
	if h := horizon(v.observed, v.history); h != None && t < h && i < len(vs)-1 {
		return Version{}, false // replaced since, and too long ago to be asked for
	}
	return vs[i], true
}

// Versions calls f for each value of each key with the time from which it was replaced; MaxInt64 for the newest.
func (v *Versioned) Versions(f func(key []byte, ver Version, validTo int64) bool) {
	v.rows.Ascend(nil, nil, func(k, row []byte) bool {
		vs := parseVersions(row)
		for i, ver := range vs {
			to := int64(math.MaxInt64)
			if i+1 < len(vs) {
				to = vs[i+1].Time
			}
			if ver.Value != nil && !f(k, ver, to) {
				return false
			}
		}
		return true
	})
}
