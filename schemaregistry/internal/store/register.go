package store

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Registration is a schema that is to become a version of a subject. Its text is canonical and its references are numbered.
type Registration struct {
	Subject    string
	Text       string
	Type       string
	References []Reference
	Metadata   *Metadata
	RuleSet    *RuleSet
	ID         int // of an import; 0 otherwise
	Version    int // of an import; 0 or -1: the next
}

// Incompatible tells why a version does not fit to what is there: nothing means that it does.
type Incompatible func(old []*Schema, c Config) []string

// Register decides on a registration: it answers the version, and the records that make it one; none when it is there
// already.
func (s *State) Register(r Registration, check Incompatible) (*Schema, []Record, error) {
	if err := checkSubject(r.Subject); err != nil {
		return nil, nil, err
	}
	c, _ := s.Config(r.Subject, true)
	r.contract(s.latest(r.Subject), c)
	h := HashOf(r.Text, r.References, r.Metadata, r.RuleSet)
	if v, err := s.Find(r.Subject, h, Live); err == nil && (r.ID <= 0 || r.ID == v.ID) {
		return v, nil, nil
	}
	if err := s.mayRegister(r); err != nil {
		return nil, nil, err
	}
	if err := r.RuleSet.Check(); err != nil {
		return nil, nil, err
	}
	importing := r.ID > 0
	if !importing {
		if messages := check(s.toCompare(r.Subject, r.Metadata, c), c); len(messages) > 0 {
			return nil, nil, errorf(409, "Schema being registered is incompatible with an earlier schema for subject \"%s\", details: [%s]", r.Subject, strings.Join(messages, ", "))
		}
	}
	v := &Schema{
		Subject: r.Subject, Type: r.Type, References: r.References, Metadata: r.Metadata, RuleSet: r.RuleSet, Text: r.Text, hash: h,
		Version: s.nextVersion(r.Subject), ID: r.ID,
	}
	space := s.peek(Context(r.Subject))
	switch id, known := space.byHash[h]; {
	case importing:
		if old := s.users(Context(r.Subject), r.ID); len(old) > 0 && old[0].hash != h {
			return nil, nil, errorf(42207, "Overwrite new schema with id %d is not permitted.", r.ID)
		}
		if r.Version > 0 {
			v.Version = r.Version
		}
	case known:
		v.ID = id
	default:
		v.ID = space.next
	}
	if v.ID > 1<<31-1 {
		return nil, nil, errorf(50001, "Error in the backend data store: the ids of the context are used up")
	}
	records := []Record{v.record()}
	for _, old := range s.versions(r.Subject) { // the same content, deleted softly: its new version stands for it
		if old.Deleted && old.hash == h && old.Version != v.Version {
			records = append(records, old.tombstone())
		}
	}
	return v, records, nil
}

// contract fills in what is configured or was there before, and puts over what is configured to win.
func (r *Registration) contract(before *Schema, c Config) {
	if before != nil {
		if r.Text == "" && (r.Metadata != nil || r.RuleSet != nil) {
			r.Text, r.Type, r.References = before.Text, before.Type, before.References
		}
		if r.Metadata == nil {
			r.Metadata = before.Metadata
		}
		if r.RuleSet == nil {
			r.RuleSet = before.RuleSet
		}
	}
	r.Metadata = join(join(c.DefaultMetadata, r.Metadata), c.OverrideMetadata)
	for _, rules := range []*RuleSet{c.OverrideRuleSet, r.RuleSet, c.DefaultRuleSet} {
		if rules != nil {
			r.RuleSet = rules
			break
		}
	}
}

// join puts one over the other.
func join(below, over *Metadata) *Metadata {
	if below == nil || over == nil {
		if over == nil {
			return below
		}
		return over
	}
	out := &Metadata{Tags: map[string][]string{}, Properties: map[string]string{}}
	for _, m := range []*Metadata{below, over} {
		maps.Copy(out.Tags, m.Tags)
		maps.Copy(out.Properties, m.Properties)
		for _, name := range m.Sensitive {
			if !slices.Contains(out.Sensitive, name) {
				out.Sensitive = append(out.Sensitive, name)
			}
		}
	}
	slices.Sort(out.Sensitive)
	return out
}

func (s *State) mayRegister(r Registration) error {
	if err := s.writable(r.Subject); err != nil {
		return err
	}
	mode, _ := s.Mode(r.Subject, true)
	importing := mode == Import || mode == Forward
	switch {
	case r.ID > 0 && !importing:
		return errorf(42205, "Subject %s is not in import mode", r.Subject)
	case r.ID <= 0 && mode == Import:
		return errorf(42205, "Subject %s is in import mode", r.Subject)
	}
	return nil
}

// checkSubject refuses names that no client could mean.
func checkSubject(subject string) error {
	_, name, _ := splitSubject(subject)
	if name == "" || name == "__GLOBAL" || name == "__EMPTY" || strings.ContainsFunc(name, unicode.IsControl) {
		return errorf(42208, "The specified subject '%s' is not a valid subject.", strconv.QuoteToGraphic(subject))
	}
	return nil
}

func (s *State) latest(subject string) *Schema {
	v, err := s.Version(subject, Latest, Live)
	if err != nil || v.Subject != subject {
		return nil
	}
	return v
}

func (s *State) nextVersion(subject string) int {
	next := 1
	for n := range s.subjects[subject] {
		next = max(next, n+1)
	}
	return next
}

// toCompare are the live versions that a new one has to fit to, newest first: all of a transitive level, else the latest; of the
// same compatibility group when there is one.
func (s *State) toCompare(subject string, meta *Metadata, c Config) []*Schema {
	all := s.versions(subject)
	slices.Reverse(all)
	group := func(m *Metadata) string {
		if m == nil {
			return ""
		}
		return m.Properties[c.CompatibilityGroup]
	}
	all = slices.DeleteFunc(all, func(v *Schema) bool {
		return v.Deleted || c.CompatibilityGroup != "" && group(v.Metadata) != group(meta)
	})
	if len(all) > 1 && !strings.HasSuffix(c.Level, "_TRANSITIVE") {
		all = all[:1]
	}
	return all
}

// ToCompare is what a registration would be compared with.
func (s *State) ToCompare(subject string, meta *Metadata) ([]*Schema, Config) {
	c, _ := s.Config(subject, true)
	return s.toCompare(subject, meta, c), c
}
