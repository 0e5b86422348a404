package security

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// naive is the authorizer as one would write it first: every ACL is looked at, nothing is arranged.
func naive(all []*metadata.AccessControlEntryRecord, everyone bool, s Subject, op Operation, kind ResourceType, name string) bool {
	allow, any := false, false
	for _, a := range all {
		about := a.ResourceName == name || a.ResourceName == "*"
		if a.PatternType == metadata.PatternPrefixed {
			about = strings.HasPrefix(name, a.ResourceName)
		}
		if ResourceType(a.ResourceType) != kind || !about {
			continue
		}
		any = true
		network, isNetwork := netip.ParsePrefix(a.Host)
		host := a.Host == "*" || a.Host == s.Host.String() || isNetwork == nil && network.Contains(s.Host)
		if a.Principal != s.Principal && a.Principal != "User:*" || !host {
			continue
		}
		own := Operation(a.Operation)
		switch {
		case a.PermissionType == 2 && (own == op || own == All):
			return false
		case a.PermissionType == 3 && (own == op || own == All ||
			op == Describe && (own == Read || own == Write || own == Delete || own == Alter) || op == DescribeConfigs && own == AlterConfigs):
			allow = true
		}
	}
	return allow || !any && everyone
}

func one[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

func randomACL(r *rand.Rand, id int) *metadata.AccessControlEntryRecord {
	a := &metadata.AccessControlEntryRecord{
		ID:           metadata.UUID{byte(id), byte(id >> 8), 7},
		ResourceType: one(r, int8(2), 2, 3, 4), ResourceName: one(r, "a", "ab", "abc", "b", "*", "abd", "c"),
		PatternType: one(r, int8(metadata.PatternLiteral), metadata.PatternPrefixed), Principal: one(r, "User:alice", "User:bob", "User:*"),
		Host: one(r, "*", "10.0.0.1", "10.0.0.0/24", "10.0.1.0/24", "::1"), Operation: int8(2 + r.IntN(14)), PermissionType: one(r, int8(2), 3, 3),
	}
	return a
}

// agrees compares the authorizer with the naive one on every question that the ACLs could be about.
func agrees(t testing.TB, image *metadata.Image, everyone bool) {
	t.Helper()
	a := NewAuthorizer([]Principal{User("root")}, everyone, nil)
	a.Update(image)
	all := image.ACLs()
	for _, principal := range []string{"User:alice", "User:bob", "User:root"} {
		for _, host := range []string{"10.0.0.1", "10.0.0.9", "192.168.0.1", "::1"} {
			s := Subject{principal, netip.MustParseAddr(host)}
			for _, name := range []string{"a", "ab", "abc", "abcd", "b", "x", ""} {
				for op := Read; op <= TwoPhaseCommit; op++ {
					want := principal == "User:root" || naive(all, everyone, s, op, TopicResource, name)
					if got := a.Allowed(s, op, TopicResource, name); got != want {
						t.Fatalf("%v %v topic %q: %v, want %v, with\n%s", s, op, name, got, want, list(all))
					}
				}
			}
		}
	}
}

func list(all []*metadata.AccessControlEntryRecord) string {
	var b strings.Builder
	for _, a := range all {
		fmt.Fprintf(&b, "%+v\n", *a)
	}
	return b.String()
}

// Removing one ACL must not make others vanish: a random history of adding and removing, through the metadata.
func TestCVE_2024_27309_RemovingAnACLLeavesTheOthers(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		image := metadata.Empty("c")
		for step := range 25 {
			d := metadata.NewDelta(image)
			for i := range 1 + r.IntN(4) {
				var record metadata.Record = randomACL(r, step*8+i)
				if all := image.ACLs(); len(all) > 0 && r.IntN(3) == 0 {
					record = &metadata.RemoveAccessControlEntryRecord{ID: all[r.IntN(len(all))].ID}
				}
				if err := d.Apply(record); err != nil {
					t.Fatal(err)
				}
			}
			image = d.Image(int64(step), 1)
			agrees(t, image, r.IntN(2) == 0)
		}
	}
}

// FuzzACLModel lets the fuzzer choose the ACLs.
func FuzzACLModel(f *testing.F) {
	f.Add(uint64(1), 5, true)
	f.Add(uint64(7), 20, false)
	f.Fuzz(func(t *testing.T, seed uint64, n int, everyone bool) {
		r := rand.New(rand.NewPCG(seed, 2))
		d := metadata.NewDelta(metadata.Empty("c"))
		for i := range min(max(n, 0), 40) {
			if err := d.Apply(randomACL(r, i)); err != nil {
				t.Fatal(err)
			}
		}
		agrees(t, d.Image(1, 1), everyone)
	})
}

func binding(kind ResourceType, name string, pattern int8, op Operation, permission int8) *metadata.AccessControlEntryRecord {
	return &metadata.AccessControlEntryRecord{
		ID: metadata.UUID{byte(kind), byte(pattern), byte(op), byte(permission), byte(len(name)), 1}, ResourceType: int8(kind), ResourceName: name, PatternType: pattern,
		Principal: "User:alice", Host: "*", Operation: int8(op), PermissionType: permission,
	}
}

func TestAnywhereFindsAnAllowThatNoDenyCovers(t *testing.T) {
	literal, prefixed := int8(metadata.PatternLiteral), int8(metadata.PatternPrefixed)
	topic := func(name string, pattern int8, permission int8) *metadata.AccessControlEntryRecord {
		return binding(TopicResource, name, pattern, Write, permission)
	}
	for name, c := range map[string]struct {
		acls []metadata.Record
		want bool
	}{
		"nothing":                         {nil, false},
		"a name":                          {[]metadata.Record{topic("t", literal, 3)}, true},
		"a prefix":                        {[]metadata.Record{topic("t", prefixed, 3)}, true},
		"every name":                      {[]metadata.Record{topic("*", literal, 3)}, true},
		"every name is denied":            {[]metadata.Record{topic("t", literal, 3), topic("*", literal, 2)}, false},
		"that name is denied":             {[]metadata.Record{topic("t", literal, 3), topic("t", literal, 2)}, false},
		"its prefix is denied":            {[]metadata.Record{topic("tt", literal, 3), topic("t", prefixed, 2)}, false},
		"every name, and one is denied":   {[]metadata.Record{topic("*", literal, 3), topic("t", literal, 2)}, true},
		"a prefix, longer one is denied":  {[]metadata.Record{topic("t", prefixed, 3), topic("tt", prefixed, 2)}, true},
		"a prefix, shorter one is denied": {[]metadata.Record{topic("tt", prefixed, 3), topic("t", prefixed, 2)}, false},
		"another operation":               {[]metadata.Record{binding(TopicResource, "t", literal, Read, 3)}, false},
		"every operation":                 {[]metadata.Record{binding(TopicResource, "t", literal, All, 3)}, true},
		"another kind":                    {[]metadata.Record{binding(GroupResource, "t", literal, Write, 3)}, false},
	} {
		a := NewAuthorizer(nil, false, nil)
		a.Update(imageWith(t, c.acls...))
		if got := a.Anywhere(Subject{Principal: "User:alice"}, Write, TopicResource); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestBitsAreWhatReadImplies(t *testing.T) {
	a := NewAuthorizer(nil, false, nil)
	a.Update(imageWith(t, binding(TopicResource, "t", metadata.PatternLiteral, Read, 3)))
	if got := a.Bits(Subject{Principal: "User:alice"}, TopicResource, "t"); got != 1<<Read|1<<Describe {
		t.Errorf("%b", got)
	}
}

func BenchmarkAuthorize(b *testing.B) {
	var records []metadata.Record
	for i := range 10_000 {
		records = append(records, &metadata.AccessControlEntryRecord{
			ID: metadata.UUID{byte(i), byte(i >> 8), 1}, ResourceType: 2, ResourceName: fmt.Sprint("topic-", i), PatternType: int8(3 + i%2),
			Principal: fmt.Sprint("User:u", i%100), Host: "*", Operation: 3, PermissionType: 3,
		})
	}
	a := NewAuthorizer(nil, false, nil)
	a.Update(imageWith(b, records...))
	s := Subject{"User:u77", netip.MustParseAddr("10.0.0.1")}
	b.ReportAllocs()
	for b.Loop() {
		if !a.Allowed(s, Read, TopicResource, "topic-7777") {
			b.Fatal("refused")
		}
	}
}
