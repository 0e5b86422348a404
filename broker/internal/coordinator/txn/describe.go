package txn

import "slices"

func (d *decision) describe(ev Describe) []Described {
	out := make([]Described, len(ev.IDs))
	for i, id := range ev.IDs {
		out[i] = Described{id, d.ids[id]}
	}
	return out
}

func (d *decision) list(ev List) []Described {
	var out []Described
	for _, id := range sortedKeys(d.ids) {
		if v := d.ids[id]; ev.wants(id, v, d.millis()) {
			out = append(out, Described{id, v})
		}
	}
	return out
}

func (ev *List) wants(id string, v *Value, now int64) bool {
	return (len(ev.States) == 0 || slices.Contains(ev.States, v.State)) &&
		(len(ev.Producers) == 0 || slices.Contains(ev.Producers, v.ProducerID)) &&
		(ev.Longer < 0 || v.Started >= 0 && now-v.Started > ev.Longer) &&
		(ev.Pattern == nil || ev.Pattern.MatchString(id))
}
