package txn

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// initProducer begins a producer. A transaction that its predecessor left open is aborted first: the answer is then
// CONCURRENT_TRANSACTIONS, and the client asks again until the markers are written.
func (d *decision) initProducer(ev InitProducerID) Begun {
	if timeout := time.Duration(ev.Timeout) * time.Millisecond; timeout <= 0 || timeout > d.cfg.MaxTimeout {
		return refused(kerr.InvalidTransactionTimeout)
	}
	v := d.ids[ev.ID]
	if v == nil {
		return d.firstProducer(ev)
	}
	if !ev.known(v) {
		return refused(kerr.ProducerFenced)
	}
	switch {
	case v.State.preparing():
		return refused(kerr.ConcurrentTransactions)
	case v.State == Ongoing && ev.ExpectedID != NoID && ev.ExpectedEpoch != v.Epoch:
		return refused(kerr.ProducerFenced) // a zombie must not abort its successor's transaction
	case v.State == Ongoing:
		d.fence(ev.ID, v)
		return refused(kerr.ConcurrentTransactions)
	case v.Epoch >= maxEpoch && (ev.ExpectedID == NoID || ev.ExpectedEpoch == v.Epoch || ev.ExpectedEpoch == v.LastEpoch):
		return d.rotate(ev, v)
	default:
		return d.raise(ev, v)
	}
}

// known tells whether the producer that wants to go on is the current one, or the one before it whose epochs were used
// up and which has not heard of its new id yet.
func (ev *InitProducerID) known(v *Value) bool {
	return ev.ExpectedID == NoID || ev.ExpectedID == v.ProducerID || ev.ExpectedID == v.PreviousID && ev.ExpectedEpoch >= maxEpoch
}

func (d *decision) firstProducer(ev InitProducerID) Begun {
	if ev.Fresh == NoID {
		return Begun{NeedID: true}
	}
	return d.begin(ev, &Value{ProducerID: ev.Fresh, PreviousID: ev.Fresh, LastEpoch: -1})
}

// rotate gives the transactional id a new producer id: the old one has no epoch left.
func (d *decision) rotate(ev InitProducerID, v *Value) Begun {
	if ev.Fresh == NoID {
		return Begun{NeedID: true}
	}
	next := &Value{ProducerID: ev.Fresh, PreviousID: v.ProducerID, LastEpoch: -1, ClientVersion: v.ClientVersion}
	if ev.ExpectedID != NoID {
		next.LastEpoch = v.Epoch
	}
	return d.begin(ev, next)
}

// raise gives the producer its next epoch. A repeated call of the producer that goes on gets the epoch that the first
// one got (KIP-360): nobody else has begun between, or there were no last epoch.
func (d *decision) raise(ev InitProducerID, v *Value) Begun {
	next := &Value{ProducerID: v.ProducerID, PreviousID: v.ProducerID, LastEpoch: -1, ClientVersion: v.ClientVersion}
	switch {
	case ev.ExpectedID == NoID:
		next.Epoch = v.Epoch + 1
	case ev.ExpectedID == v.ProducerID && ev.ExpectedEpoch == v.Epoch:
		next.Epoch, next.LastEpoch = v.Epoch+1, v.Epoch
	case ev.ExpectedEpoch == v.LastEpoch:
		next.PreviousID = v.PreviousID
		next.Epoch, next.LastEpoch = v.Epoch, v.LastEpoch
	default:
		return refused(kerr.ProducerFenced)
	}
	return d.begin(ev, next)
}

func (d *decision) begin(ev InitProducerID, next *Value) Begun {
	next.NextID, next.State, next.Timeout, next.Updated, next.Started = NoID, Empty, ev.Timeout, d.millis(), -1
	d.write(ev.ID, next)
	return Begun{ProducerID: next.ProducerID, Epoch: next.Epoch}
}

func refused(err *kerr.Error) Begun { return Begun{Code: err.Code, ProducerID: NoID, Epoch: -1} }
