package configkey

import (
	"slices"
	"strings"
)

// Table is keys by name, with the order in which they were declared kept for pages.
type Table struct {
	rows   []Key
	byName map[string]int
}

// NewTable joins lists of keys. A name that comes twice is a mistake in the tables and panics.
func NewTable(lists ...[]Key) *Table {
	t := &Table{rows: slices.Concat(lists...), byName: map[string]int{}}
	for i, k := range t.rows {
		if _, twice := t.byName[k.Name]; twice {
			panic("configkey: " + k.Name + " is declared twice")
		}
		t.byName[k.Name] = i
	}
	return t
}

// Lookup finds a key by its exact name.
func (t *Table) Lookup(name string) (Key, bool) {
	i, ok := t.byName[name]
	if !ok {
		return Key{}, false
	}
	return t.rows[i], true
}

// Keys are all rows in the order of declaration. Do not write to it.
func (t *Table) Keys() []Key { return t.rows }

// Names are all names, sorted.
func (t *Table) Names() []string {
	names := make([]string, 0, len(t.rows))
	for _, k := range t.rows {
		names = append(names, k.Name)
	}
	slices.Sort(names)
	return names
}

// Suggest answers the known name that is nearest to a mistyped one, or "".
func (t *Table) Suggest(name string) string {
	best, distance := "", 1+len(name)/3
	for _, k := range t.rows {
		if d := editDistance(strings.ToLower(name), k.Name); d < distance {
			best, distance = k.Name, d
		}
	}
	return best
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
