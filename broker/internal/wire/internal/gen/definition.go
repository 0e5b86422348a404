package main

import (
	"archive/zip"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// jarNames are the jars that hold definitions we need; the version between name and ".jar" is free.
var jarNames = []string{
	"kafka-clients", "kafka-group-coordinator", "kafka-share-coordinator", "kafka-transaction-coordinator", "kafka-metadata",
}

// message is one definition file: a request, or something that is stored as a record.
type message struct {
	Key      *int16   `json:"apiKey"`
	Type     string   `json:"type"` // request, response, header, data, coordinator-key, coordinator-value, metadata
	Name     string   `json:"name"`
	Valid    versions `json:"validVersions"`
	Flexible versions `json:"flexibleVersions"`
	Fields   []field  `json:"fields"`
	Common   []field  `json:"commonStructs"` // each is a struct: name and fields
	Unstable bool     `json:"latestVersionUnstable"`
}

type field struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"` // int32, string, []int32, []SomeStruct, SomeStruct, ...
	Versions versions `json:"versions"`
	Nullable versions `json:"nullableVersions"`
	Tagged   versions `json:"taggedVersions"`
	Tag      *int     `json:"tag"`
	Fields   []field  `json:"fields"`
}

// order puts requests first, by key; the rest is ordered by name.
func (m message) order() int {
	if m.Type == "request" {
		return int(*m.Key)
	}
	return noUpperEnd
}

// versions is a closed range of versions; the zero value and "none" contain no version.
type versions struct {
	min, max int
	some     bool
}

const noUpperEnd = 1<<15 - 1

func (v versions) has(version int) bool { return v.some && v.min <= version && version <= v.max }

// UnmarshalJSON reads "3", "0-4", "3+" or "none".
func (v *versions) UnmarshalJSON(b []byte) error {
	s, err := strconv.Unquote(string(b))
	if err != nil {
		return fmt.Errorf("versions %s: %w", b, err)
	}
	if s == "none" {
		*v = versions{}
		return nil
	}
	low, high, isRange := strings.Cut(s, "-")
	low, open := strings.CutSuffix(low, "+")
	v.some = true
	if v.min, err = strconv.Atoi(low); err != nil {
		return fmt.Errorf("versions %q: %w", s, err)
	}
	switch {
	case open:
		v.max = noUpperEnd
	case isRange:
		v.max, err = strconv.Atoi(high)
	default:
		v.max = v.min
	}
	return err
}

// readJars returns the definitions with a valid version, requests by key and then everything else by name.
func readJars(dir string) ([]message, error) {
	var all []message
	for _, name := range jarNames {
		paths, err := filepath.Glob(filepath.Join(dir, name+"-[0-9]*.jar"))
		if err != nil || len(paths) != 1 {
			return nil, fmt.Errorf("look for one %s jar in %s: found %d", name, dir, len(paths))
		}
		if all, err = readJar(all, paths[0]); err != nil {
			return nil, fmt.Errorf("read %s: %w", paths[0], err)
		}
	}
	slices.SortFunc(all, func(a, b message) int {
		return cmp.Or(cmp.Compare(a.order(), b.order()), strings.Compare(a.Name, b.Name))
	})
	return all, nil
}

func readJar(all []message, jar string) ([]message, error) {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return nil, err
	}
	defer func() { _ = z.Close() }()
	for _, f := range z.File {
		if dir := path.Dir(f.Name); (dir != "common/message" && dir != "common/metadata") || path.Ext(f.Name) != ".json" {
			continue
		}
		m, err := readDefinition(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if m.Valid.some && m.Type != "response" && m.Type != "header" {
			all = append(all, m)
		}
	}
	return all, nil
}

func readDefinition(f *zip.File) (m message, err error) {
	r, err := f.Open()
	if err != nil {
		return m, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(withoutComments(b), &m); err != nil {
		return m, err
	}
	if m.Unstable {
		m.Valid.max-- // it may still change, Kafka does not serve it, and kmsg's idea of it need not be ours
	}
	return m, nil
}

// withoutComments blanks // comments that stand outside of strings.
func withoutComments(b []byte) []byte {
	inString := false
	for i := 0; i < len(b); i++ {
		switch {
		case inString && b[i] == '\\':
			i++
		case b[i] == '"':
			inString = !inString
		case !inString && b[i] == '/' && i+1 < len(b) && b[i+1] == '/':
			for ; i < len(b) && b[i] != '\n'; i++ {
				b[i] = ' '
			}
		}
	}
	return b
}
