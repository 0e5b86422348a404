package txn

import (
	"math"

	"github.com/twmb/franz-go/pkg/kerr"
)

// end commits or aborts. The answer leaves when the outcome is durable; the markers follow.
func (d *decision) end(ev EndTxn) Ended {
	v := d.ids[ev.ID]
	if v == nil {
		return refused(kerr.InvalidProducerIDMapping)
	}
	if ev.ClientVersion < 2 {
		return d.endClassic(ev, v)
	}
	return d.endRaising(ev, v)
}

// endClassic is for clients that keep their epoch: a repeated call cannot be told from one for the next transaction, so
// a call without a transaction of its own is answered by what the last one came to.
func (d *decision) endClassic(ev EndTxn, v *Value) Ended {
	switch {
	case v.ProducerID != ev.ProducerID:
		return refused(kerr.InvalidProducerIDMapping)
	case v.Epoch != ev.Epoch:
		return refused(kerr.ProducerFenced)
	case v.State == Ongoing:
		next := *v
		next.State, next.Updated, next.PreviousID = outcome(ev.Commit), d.millis(), v.ProducerID
		next.ClientVersion, next.LastEpoch = 0, -1
		return d.decided(ev.ID, &next)
	case v.State.preparing() && v.commits() == ev.Commit:
		return refused(kerr.ConcurrentTransactions)
	case v.State.complete() && v.commits() == ev.Commit:
		return Ended{ProducerID: v.ProducerID, Epoch: v.Epoch}
	default:
		return refused(kerr.InvalidTxnState)
	}
}

// endRaising is for clients of transaction version 2: the epoch tells a repeated call from the next (KIP-890 part 2).
func (d *decision) endRaising(ev EndTxn, v *Value) Ended {
	rotated := v.PreviousID == ev.ProducerID && v.ProducerID != ev.ProducerID && ev.Epoch == maxEpoch && v.Epoch == 0
	if v.ProducerID != ev.ProducerID && !rotated {
		return refused(kerr.InvalidProducerIDMapping)
	}
	// The last epoch, not one less: the next epoch may be that of a classic client, which took over and committed too.
	again := rotated || v.ProducerID == ev.ProducerID && v.LastEpoch == ev.Epoch && int(v.Epoch) == int(ev.Epoch)+1
	now := v.ProducerID == ev.ProducerID && v.Epoch == ev.Epoch
	switch {
	case v.State.preparing() && again && v.commits() == ev.Commit:
		return refused(kerr.ConcurrentTransactions)
	case v.State.preparing() && again:
		return refused(kerr.InvalidTxnState)
	case v.State.complete() && again && v.commits() == ev.Commit:
		return Ended{ProducerID: v.ProducerID, Epoch: v.Epoch}
	case v.State.complete() && again:
		return refused(kerr.InvalidTxnState)
	case v.State.preparing() || !now:
		return refused(kerr.ProducerFenced)
	case v.State == Ongoing || !ev.Commit:
		return d.raiseAndEnd(ev, v)
	default:
		return refused(kerr.InvalidTxnState) // nothing to commit
	}
}

// raiseAndEnd decides the outcome under the next epoch. Without a transaction there is nothing to abort, but whatever an
// earlier request may still bring into a partition is fenced.
func (d *decision) raiseAndEnd(ev EndTxn, v *Value) Ended {
	next := *v
	next.State, next.Updated, next.PreviousID = outcome(ev.Commit), d.millis(), v.ProducerID
	next.Epoch, next.LastEpoch, next.ClientVersion = v.Epoch+1, v.Epoch, 2
	if v.State != Ongoing {
		next.Started, next.Partitions = d.millis(), nil
	}
	if v.Epoch == math.MaxInt16 { // fenced at the last epoch there is: only InitProducerId helps
		return refused(kerr.ProducerFenced)
	}
	if v.Epoch >= maxEpoch {
		if ev.Fresh == NoID {
			return Ended{NeedID: true}
		}
		next.NextID = ev.Fresh
	}
	return d.decided(ev.ID, &next)
}

// fence aborts a transaction under the next epoch: its producer was replaced, or is too slow. Under transaction version
// 2 it may still go on from its old epoch; before that it is fenced for good.
func (d *decision) fence(id string, v *Value) {
	next := *v
	next.State, next.Updated, next.PreviousID = PrepareAbort, d.millis(), v.ProducerID
	next.Epoch, next.LastEpoch, next.ClientVersion = v.Epoch+1, -1, 0
	if d.version >= 2 {
		next.LastEpoch, next.ClientVersion = v.Epoch, 2
	}
	d.decided(id, &next)
}

// decided writes an outcome. Without partitions it is complete at once.
func (d *decision) decided(id string, v *Value) Ended {
	d.write(id, v)
	after := d.after(v)
	if len(v.Partitions) == 0 {
		d.write(id, after)
	} else {
		d.work = append(d.work, v.markers(id))
	}
	return Ended{ProducerID: after.ProducerID, Epoch: after.Epoch}
}

// after is what follows when the markers are written.
func (d *decision) after(v *Value) *Value {
	next := *v
	next.State, next.Partitions, next.Updated, next.PreviousID = CompleteAbort, nil, d.millis(), v.ProducerID
	if v.State == PrepareCommit {
		next.State = CompleteCommit
	}
	if v.NextID != NoID {
		next.ProducerID, next.Epoch, next.NextID = v.NextID, 0, NoID
	}
	return &next
}

func outcome(commit bool) State {
	if commit {
		return PrepareCommit
	}
	return PrepareAbort
}

func (v *Value) commits() bool { return v.State == PrepareCommit || v.State == CompleteCommit }
