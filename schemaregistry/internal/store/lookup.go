package store

import (
	"maps"
	"slices"
	"strings"
)

// Which picks versions by whether they are deleted.
type Which uint8

// Live versions, all of them, or those that are deleted softly.
const (
	Live Which = iota
	All
	Deleted
)

func (w Which) takes(v *Schema) bool { return w == All || v.Deleted == (w == Deleted) }

// AnyContext is the prefix of a subject prefix that means every context.
const AnyContext = ":*:"

// Subjects lists the subjects with such versions that begin with a prefix, by name. Without a context in the prefix, those
// of the default context.
func (s *State) Subjects(prefix string, which Which) []string {
	out := []string{}
	for _, subject := range slices.Sorted(maps.Keys(s.subjects)) {
		if matches(subject, prefix) && slices.ContainsFunc(s.versions(subject), which.takes) {
			out = append(out, subject)
		}
	}
	return out
}

func matches(subject, prefix string) bool {
	if rest, ok := strings.CutPrefix(prefix, AnyContext); ok {
		_, name, _ := splitSubject(subject)
		return strings.HasPrefix(name, rest)
	}
	return strings.HasPrefix(subject, prefix)
}

// Versions lists the version numbers of a subject.
func (s *State) Versions(subject string, which Which) ([]int, error) {
	subject = s.Alias(subject)
	out := []int{}
	for _, v := range s.versions(subject) {
		if which.takes(v) {
			out = append(out, v.Version)
		}
	}
	if len(out) == 0 {
		return nil, notFound(subject)
	}
	return out, nil
}

func notFound(subject string) error { return errorf(40401, "Subject '%s' not found.", subject) }

// Alias follows the alias that is configured for a subject.
func (s *State) Alias(subject string) string {
	if c := s.configs[subject]; c != nil && c.Alias != "" {
		return c.Alias
	}
	return subject
}

// Latest is the version number that means the latest one.
const Latest = -1

// Version answers a version of a subject. A subject of the default context that is not there is looked for in the others.
func (s *State) Version(subject string, version int, which Which) (*Schema, error) {
	subject = s.Alias(subject)
	all := s.versions(subject)
	if len(all) == 0 && Context(subject) == "." {
		for _, ctx := range s.Contexts() {
			if other := s.versions(":" + ctx + ":" + subject); len(other) > 0 {
				all = other
			}
		}
	}
	all = slices.DeleteFunc(all, func(v *Schema) bool { return !which.takes(v) })
	if len(all) == 0 {
		return nil, notFound(subject)
	}
	if version == Latest {
		return all[len(all)-1], nil
	}
	for _, v := range all {
		if v.Version == version {
			return v, nil
		}
	}
	return nil, errorf(40402, "Version %d not found.", version)
}

// ByID answers the schema of an id in a context; a version of the subject, when one is given and has it.
func (s *State) ByID(ctx string, id int, subject string) (*Schema, error) {
	found := s.users(ctx, id)
	if len(found) == 0 {
		return nil, errorf(40403, "Schema %d not found", id)
	}
	for _, v := range found {
		if v.Subject == subject {
			return v, nil
		}
	}
	return found[0], nil
}

// users lists the versions with an id, by subject and version.
func (s *State) users(ctx string, id int) []*Schema {
	space := s.contexts[ctx]
	if space == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(space.byID[id]), func(a, b *Schema) int {
		if c := strings.Compare(a.Subject, b.Subject); c != 0 {
			return c
		}
		return a.Version - b.Version
	})
}

// UsersOf lists the versions that have an id.
func (s *State) UsersOf(ctx string, id int, subject string, which Which) ([]*Schema, error) {
	all := s.users(ctx, id)
	if len(all) == 0 {
		return nil, errorf(40403, "Schema %d not found", id)
	}
	return slices.DeleteFunc(all, func(v *Schema) bool { return !which.takes(v) || subject != "" && v.Subject != subject }), nil
}

// ByGUID lists one version for each context that has the content.
func (s *State) ByGUID(guid string) []*Schema {
	var out []*Schema
	for _, ctx := range s.Contexts() {
		space := s.contexts[ctx]
		for h, id := range space.byHash {
			if h.GUID() == guid {
				out = append(out, s.users(ctx, id)[0])
			}
		}
	}
	return out
}

// Contexts lists the contexts, the default one first.
func (s *State) Contexts() []string {
	out := []string{"."}
	for _, ctx := range slices.Sorted(maps.Keys(s.contexts)) {
		if ctx != "." {
			out = append(out, ctx)
		}
	}
	return out
}

// Find answers the version of a subject with this content.
func (s *State) Find(subject string, h Hash, which Which) (*Schema, error) {
	return s.find(subject, which, func(v *Schema) bool { return v.hash == h })
}

// FindText is Find for who knows the text alone: metadata and rules may be any.
func (s *State) FindText(subject, text string, refs []Reference, which Which) (*Schema, error) {
	return s.find(subject, which, func(v *Schema) bool { return v.Text == text && slices.Equal(v.References, refs) })
}

// find answers the newest version that is the one.
func (s *State) find(subject string, which Which, is func(*Schema) bool) (*Schema, error) {
	subject = s.Alias(subject)
	all := slices.DeleteFunc(s.versions(subject), func(v *Schema) bool { return !which.takes(v) })
	if len(all) == 0 {
		return nil, notFound(subject)
	}
	for _, v := range slices.Backward(all) {
		if is(v) {
			return v, nil
		}
	}
	return nil, errorf(40403, "Schema not found")
}

// ReferencedBy lists the ids of live versions that refer to a version.
func (s *State) ReferencedBy(v *Schema, which Which) []int {
	out := []int{}
	for _, all := range s.subjects {
		for _, other := range all {
			if which.takes(other) && slices.ContainsFunc(other.References, func(r Reference) bool {
				return qualify(r.Subject, other.Subject) == v.Subject && r.Version == v.Version
			}) && !slices.Contains(out, other.ID) {
				out = append(out, other.ID)
			}
		}
	}
	slices.Sort(out)
	return out
}

// qualify puts a name into the context of who uses it.
func qualify(name, user string) string {
	if ctx := Context(user); ctx != "." && !strings.HasPrefix(name, ":") {
		return ":" + ctx + ":" + name
	}
	return name
}

// Qualified are the references of a version with the contexts of their subjects.
func (s *State) Qualified(v *Schema) []Reference {
	out := slices.Clone(v.References)
	for i := range out {
		out[i].Subject = qualify(out[i].Subject, v.Subject)
	}
	return out
}

// maxReferences bounds how many schemas a schema can use, directly or not.
const maxReferences = 1000

// Used is a schema that another one refers to, by the name that it has there: what a $ref or an import says.
type Used struct {
	Name string
	*Schema
}

// Resolve lists what references mean, what is used before its users. Latest versions become numbers in refs.
func (s *State) Resolve(subject string, refs []Reference) (numbered []Reference, used []Used, err error) {
	seen := map[subjectVersion]bool{}
	var walk func(user string, refs []Reference, top bool) error
	walk = func(user string, refs []Reference, top bool) error {
		for _, r := range refs {
			v, err := s.Version(qualify(r.Subject, user), r.Version, All)
			if err != nil {
				return errorf(42201, "Invalid schema: No schema reference found for subject \"%s\" and version %d", r.Subject, r.Version)
			}
			if top {
				numbered = append(numbered, Reference{r.Name, r.Subject, v.Version})
			}
			at := subjectVersion{v.Subject, v.Version}
			if seen[at] {
				continue
			}
			if seen[at] = true; len(seen) > maxReferences {
				return errorf(42201, "Invalid schema: more than %d references", maxReferences)
			}
			if err := walk(v.Subject, v.References, false); err != nil {
				return err
			}
			used = append(used, Used{r.Name, v})
		}
		return nil
	}
	err = walk(subject, refs, true)
	return numbered, used, err
}
