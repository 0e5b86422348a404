package avrox

// Native reads binary data of s, all of it, and answers plain values: a record is a map by the names of its fields, a branch of a
// union is its value, int is an int64, float a float64, an enum its symbol, fixed is bytes. For who computes with data and
// does not write them again.
func (s *Schema) Native(data []byte) (any, error) {
	d, err := readAll(s, data)
	if err != nil {
		return nil, err
	}
	return native(s, d), nil
}

func native(s *Schema, d any) any {
	switch d := d.(type) {
	case int32:
		return int64(d)
	case float32:
		return float64(d)
	case []any:
		out := make([]any, len(d))
		for i, item := range d {
			out[i] = native(s.Items, item)
		}
		return out
	case *mapDatum:
		out := make(map[string]any, len(d.values))
		for key, v := range d.values {
			out[key] = native(s.Items, v)
		}
		return out
	case *recordDatum:
		out := make(map[string]any, len(d.fields))
		for i, f := range s.Fields {
			out[f.Name] = native(f.Type, d.fields[i])
		}
		return out
	case *branchDatum:
		return native(s.Branches[d.index], d.value)
	}
	return d
}
