package commitlog

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog/journal"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// uuid is an id as Kafka writes it: base64 url, 22 characters.
type uuid [16]byte

func (u uuid) String() string { return base64.RawURLEncoding.EncodeToString(u[:]) }

func parseUUID(s string) (u uuid, err error) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil || len(b) != len(u) {
		return u, fmt.Errorf("%q is no id", s)
	}
	return uuid(b), nil
}

// newUUID makes a version 4 id whose text does not start with a dash, as Kafka's Uuid.randomUuid.
func newUUID() uuid {
	for {
		var u uuid
		_, _ = rand.Read(u[:]) // never fails
		u[6] = u[6]&0x0f | 0x40
		u[8] = u[8]&0x3f | 0x80
		if u.String()[0] != '-' {
			return u
		}
	}
}

// meta is meta.properties.
type meta struct {
	nodeID    int32
	clusterID string
	directory uuid
}

func parseMeta(data []byte) (m meta, err error) {
	props := map[string]string{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if k, v, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			props[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	if err := knownVersion(props["version"], 1); err != nil {
		return m, err
	}
	id, err := strconv.ParseInt(props["node.id"], 10, 32)
	if err != nil {
		return m, fmt.Errorf("node.id %q", props["node.id"])
	}
	m = meta{nodeID: int32(id), clusterID: props["cluster.id"]}
	if m.clusterID == "" {
		return m, errors.New("no cluster.id")
	}
	if d := props["directory.id"]; d != "" { // Kafka before 3.7 had none
		m.directory, err = parseUUID(d)
	}
	return m, err
}

func (m meta) format() []byte {
	return fmt.Appendf(nil, "version=1\nnode.id=%d\ncluster.id=%s\ndirectory.id=%s\n", m.nodeID, m.clusterID, m.directory)
}

// parsePartitionMeta reads partition.metadata.
func parsePartitionMeta(data []byte) (topicID uuid, err error) {
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) != 2 || strings.TrimSpace(lines[0]) != "version: 0" {
		return topicID, fmt.Errorf("partition.metadata begins with %q", lines[0])
	}
	id, ok := strings.CutPrefix(strings.TrimSpace(lines[1]), "topic_id: ")
	if !ok {
		return topicID, fmt.Errorf("partition.metadata has %q for a topic id", lines[1])
	}
	return parseUUID(id)
}

func formatPartitionMeta(topicID uuid) []byte {
	return fmt.Appendf(nil, "version: 0\ntopic_id: %s\n", topicID)
}

// journalState is what the journal-state file says: where a replay has to start.
type journalState struct {
	engine   string
	gen      journal.Gen // the first generation still needed
	sequence uint64      // its first sequence
}

func parseJournalState(data []byte) (s journalState, err error) {
	version, rest, _ := bytes.Cut(data, []byte("\n"))
	if err := knownVersion(string(version), 0); err != nil {
		return s, fmt.Errorf("%s: %w", journalStateFile, err)
	}
	fields := strings.Fields(string(rest))
	if len(fields) != 3 {
		return s, fmt.Errorf("journal-state has %q", rest)
	}
	gen, err1 := strconv.ParseUint(fields[1], 10, 32)
	sequence, err2 := strconv.ParseUint(fields[2], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return s, fmt.Errorf("journal-state: %w", err)
	}
	return journalState{fields[0], journal.Gen(gen), sequence}, nil
}

func (s journalState) format() []byte {
	return fmt.Appendf(nil, "0\n%s %d %d\n", s.engine, s.gen, s.sequence)
}

// loadMeta reads a directory's meta.properties and holds it against the configuration. A new directory gets one; the
// cluster id is then cfg's, or clusterID, or a fresh one.
func loadMeta(fsys vfs.FS, dir string, nodeID int32, clusterID string) (meta, error) {
	name := path.Join(dir, metaFile)
	data, err := vfs.ReadFile(fsys, name)
	if isNotExist(err) {
		m := meta{nodeID, clusterID, newUUID()}
		if m.clusterID == "" {
			m.clusterID = newUUID().String()
		}
		return m, vfs.WriteFileAtomic(fsys, name, m.format())
	}
	if err != nil {
		return meta{}, fmt.Errorf("read %s: %w", name, err)
	}
	m, err := parseMeta(data)
	switch {
	case err != nil:
		return m, fmt.Errorf("%s: %w", name, err)
	case m.nodeID != nodeID:
		return m, fmt.Errorf("%s is of node %d, and this is node %d: log.dirs points at another node's data", name, m.nodeID, nodeID)
	case clusterID != "" && m.clusterID != clusterID:
		return m, fmt.Errorf("%s is of cluster %s, and this is cluster %s: log.dirs points at another cluster's data", name, m.clusterID, clusterID)
	case m.directory == uuid{}:
		m.directory = newUUID()
		return m, vfs.WriteFileAtomic(fsys, name, m.format())
	}
	return m, nil
}

// cleanMarker is the content of .kafka_cleanshutdown.
func cleanMarker() []byte {
	b, _ := json.Marshal(struct { // two integers: nothing can fail
		Version     int   `json:"version"`
		BrokerEpoch int64 `json:"brokerEpoch"`
	}{0, -1})
	return b
}

// knownVersion refuses a format that a newer version of this program wrote, and anything that is no version.
func knownVersion(text string, known int) error {
	v, err := strconv.Atoi(text)
	switch {
	case err == nil && v == known:
		return nil
	case err == nil && v > known:
		return fmt.Errorf("%w: format version %d, this version knows %d", ErrNewerFormat, v, known)
	}
	return fmt.Errorf("format version %q, this version knows %d", text, known)
}
