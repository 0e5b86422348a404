package txn

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
)

// addPartitions adds partitions to a transaction, which the first of them begins. All are added or none.
func (d *decision) addPartitions(ev AddPartitions) Added {
	v := d.ids[ev.ID]
	if code := mayAdd(v, ev); code != 0 {
		return ev.all(code)
	}
	if ev.VerifyOnly {
		return v.verify(ev)
	}
	if v.State == Ongoing && v.hasAll(ev.Partitions) {
		return ev.all(0)
	}
	next := *v
	next.State, next.Updated, next.ClientVersion = Ongoing, d.millis(), ev.ClientVersion
	next.PreviousID, next.LastEpoch = v.ProducerID, -1
	if v.State != Ongoing {
		next.Started, next.Partitions = d.millis(), nil
	}
	next.Partitions = union(next.Partitions, ev.Partitions)
	if d.write(ev.ID, &next); d.tooLarge() {
		d.drop()
		return ev.all(kerr.MessageTooLarge.Code)
	}
	return ev.all(0)
}

// mayAdd answers why the producer may not, or 0.
func mayAdd(v *Value, ev AddPartitions) int16 {
	switch {
	case v == nil || v.ProducerID != ev.ProducerID:
		return kerr.InvalidProducerIDMapping.Code
	case v.Epoch != ev.Epoch:
		return kerr.ProducerFenced.Code
	case v.State.preparing():
		return kerr.ConcurrentTransactions.Code
	}
	return 0
}

func (ev *AddPartitions) all(code int16) Added {
	out := make(Added, len(ev.Partitions))
	for i := range out {
		out[i] = code
	}
	return out
}

// verify answers for each partition whether it belongs to the open transaction (KIP-890 part 1).
func (v *Value) verify(ev AddPartitions) Added {
	out := make(Added, len(ev.Partitions))
	for i, tp := range ev.Partitions {
		if v.State != Ongoing || !v.has(tp) {
			out[i] = kerr.TransactionAbortable.Code
		}
	}
	return out
}

func (v *Value) has(tp TopicPartition) bool {
	i, ok := findTopic(v.Partitions, tp.Topic)
	if !ok {
		return false
	}
	_, ok = slices.BinarySearch(v.Partitions[i].List, tp.Partition)
	return ok
}

func (v *Value) hasAll(list []TopicPartition) bool {
	for _, tp := range list {
		if !v.has(tp) {
			return false
		}
	}
	return true
}

// union copies: what a record holds is never changed.
func union(have []Partitions, more []TopicPartition) []Partitions {
	out := make([]Partitions, len(have))
	for i, p := range have {
		out[i] = Partitions{p.Topic, slices.Clone(p.List)}
	}
	for _, tp := range more {
		i, ok := findTopic(out, tp.Topic)
		if !ok {
			out = slices.Insert(out, i, Partitions{Topic: tp.Topic})
		}
		if at, there := slices.BinarySearch(out[i].List, tp.Partition); !there {
			out[i].List = slices.Insert(out[i].List, at, tp.Partition)
		}
	}
	return out
}

func findTopic(list []Partitions, topic string) (int, bool) {
	return slices.BinarySearchFunc(list, topic, func(p Partitions, topic string) int { return cmp.Compare(p.Topic, topic) })
}
