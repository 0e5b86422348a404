package store

import "encoding/json"

// DeleteSubject decides to delete a subject: softly, so that its ids still resolve, or for ever when it is deleted softly.
// It answers the versions.
func (s *State) DeleteSubject(subject string, permanent bool) ([]int, []Record, error) {
	all := s.versions(subject)
	if len(all) == 0 {
		return nil, nil, notFound(subject)
	}
	if err := s.writable(subject); err != nil {
		return nil, nil, err
	}
	var numbers []int
	var records []Record
	for _, v := range all {
		switch {
		case permanent && !v.Deleted:
			return nil, nil, errorf(40405, "Subject '%s' was not deleted first before being permanently deleted", subject)
		case !permanent && v.Deleted:
			continue
		}
		r, err := s.deletion(v, permanent)
		if err != nil {
			return nil, nil, err
		}
		numbers, records = append(numbers, v.Version), append(records, r)
	}
	if len(numbers) == 0 {
		return nil, nil, errorf(40404, "Subject '%s' was soft deleted.Set permanent=true to delete permanently", subject)
	}
	if permanent {
		records = append(records, s.keepIDs(Context(subject)), Record{marshal(subjectKey{keyClearSubject, subject, 0}), marshal(subjectValue{Subject: subject})})
		return numbers, records, nil
	}
	if s.configs[subject] != nil {
		records = append(records, Record{Key: scopeRecord(keyConfig, subject)})
	}
	if s.modes[subject] != "" {
		records = append(records, Record{Key: scopeRecord(keyMode, subject)})
	}
	return numbers, records, nil
}

// DeleteVersion decides to delete one version.
func (s *State) DeleteVersion(subject string, version int, permanent bool) (int, []Record, error) {
	which := All
	if version == Latest && !permanent {
		which = Live
	}
	v, err := s.Version(subject, version, which)
	if err != nil {
		return 0, nil, err
	}
	if err := s.writable(subject); err != nil {
		return 0, nil, err
	}
	switch {
	case !permanent && v.Deleted:
		return 0, nil, errorf(40406, "Subject '%s' Version %d was soft deleted.Set permanent=true to delete permanently", subject, v.Version)
	case permanent && !v.Deleted:
		return 0, nil, errorf(40407, "Subject '%s' Version %d was not deleted first before being permanently deleted", subject, v.Version)
	}
	r, err := s.deletion(v, permanent)
	if err != nil {
		return 0, nil, err
	}
	records := []Record{r}
	if permanent {
		records = append(records, s.keepIDs(Context(v.Subject)))
	}
	return v.Version, records, nil
}

// deletion is the record that deletes a version, which nobody may refer to.
func (s *State) deletion(v *Schema, permanent bool) (Record, error) {
	if len(s.ReferencedBy(v, Live)) > 0 {
		return Record{}, errorf(42206, "One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=%s,version=%d}.", v.Subject, v.Version)
	}
	if permanent {
		return v.tombstone(), nil
	}
	gone := *v
	gone.Deleted = true
	return gone.record(), nil
}

// contextValue says what a context is. NextID is ours: the ids below it were used, also those whose records compaction has
// taken away. Confluent's registry ignores it.
type contextValue struct {
	Tenant  string `json:"tenant"`
	Context string `json:"context"`
	NextID  int    `json:"nextId,omitempty"`
}

// keepIDs is the record that keeps ids from being given out again when those that had them are gone for ever.
func (s *State) keepIDs(ctx string) Record {
	return Record{marshal(contextKey{keyContext, "default", ctx, 0}), marshal(contextValue{"default", ctx, s.peek(ctx).next})}
}

func (s *State) applyContext(raw []byte) error {
	if raw == nil {
		return nil
	}
	var v contextValue
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	space := s.ids(v.Context)
	space.next = max(space.next, v.NextID)
	return nil
}
