package api

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/mainstem-io/mainstem/broker/internal/commitlog"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/coordinator/txn"
	"github.com/mainstem-io/mainstem/broker/internal/record"
)

// Versions of Produce that matter to transactions.
const (
	abortableSince = 11 // knows TRANSACTION_ABORTABLE
	implicitAdd    = 12 // its partitions join the transaction by themselves (KIP-890 part 2)
)

// place is a partition of a request: the index of its topic and its own.
type place struct{ topic, partition int }

// membership is what is known of a partition's part in its batch's transaction before the batch is written.
type membership struct {
	guard commitlog.Guard
	code  int16 // why the batch may not be written
}

// question is what one producer asks its coordinator: nearly always there is one in a request.
type question struct {
	partitions []txn.TopicPartition
	places     []place
	logs       []*commitlog.Log
}

// joinTransaction asks the coordinator about every partition whose producer has no transaction open there: its batch is
// written only when the partition belongs to the transaction (KIP-890 part 1), or joins it. The connection waits for
// the answer, as in Kafka: the producer's next request must not overtake this one.
func (p *production) joinTransaction(denied []error) {
	if p.req.TransactionID == nil {
		return
	}
	p.members = map[place]*membership{}
	questions := map[coordinator.Producer]*question{}
	for i, t := range p.req.Topics {
		for j := range t.Partitions {
			batch, _, err := record.First(t.Partitions[j].Records)
			if denied[i] != nil || err != nil || !batch.Transactional() || batch.Control() {
				continue // it is not written, and validation says what is wrong
			}
			part, err := p.find(t, t.Partitions[j].Partition)
			if err != nil {
				continue
			}
			at, who := place{i, j}, coordinator.Producer{ID: batch.ProducerID(), Epoch: batch.ProducerEpoch()}
			// The end of the log is read before the coordinator is asked: a marker behind it refuses the batch.
			p.members[at] = &membership{guard: commitlog.Guard{Set: true, End: part.Log().EndOffset()}}
			if part.Log().OngoingTransaction(who.ID, who.Epoch) || p.unverified() {
				continue
			}
			q := questions[who]
			if q == nil {
				q = &question{}
				questions[who] = q
			}
			q.partitions, q.places = append(q.partitions, txn.TopicPartition{Topic: part.Topic, Partition: part.Index}), append(q.places, at)
			q.logs = append(q.logs, part.Log())
		}
	}
	for who, q := range questions {
		p.ask(who, q)
	}
}

// unverified tells whether old clients' partitions are taken at their word.
func (p *production) unverified() bool {
	return p.req.Version < implicitAdd && !p.s.Broker().Bool("transaction.partition.verification.enable")
}

func (p *production) ask(who coordinator.Producer, q *question) {
	ev := txn.AddPartitions{
		ID: *p.req.TransactionID, ProducerID: who.ID, Epoch: who.Epoch, Partitions: q.partitions,
		VerifyOnly: p.req.Version < implicitAdd, ClientVersion: 2,
	}
	answered := make(chan []int16, 1)  // one answer, maybe when nobody waits any more
	ends := make([]int64, len(q.logs)) // the asking goroutine's until it answers
	look := func() {
		for i, l := range q.logs {
			ends[i] = l.EndOffset()
		}
	}
	crossed := func() bool {
		for i, l := range q.logs {
			if l.TransactionEnded(who.ID, ends[i]) {
				return true
			}
		}
		return false
	}
	p.s.join(p.x.Context(), ev, look, crossed, func(codes []int16) { answered <- codes })
	select {
	case codes := <-answered:
		for i, at := range q.places {
			p.members[at].code, p.members[at].guard.End = p.joinCode(codes[i]), ends[i]
		}
	case <-p.x.Context().Done():
		for _, at := range q.places {
			p.members[at].code = kerr.NotEnoughReplicas.Code
		}
	}
}

// joinCode is the coordinator's refusal as the versions know it. NOT_ENOUGH_REPLICAS makes old producers try again
// without looking for another leader.
func (p *production) joinCode(code int16) int16 {
	switch {
	case code == kerr.TransactionAbortable.Code && p.req.Version < abortableSince:
		return kerr.InvalidTxnState.Code
	case code == kerr.ConcurrentTransactions.Code && p.req.Version < implicitAdd, isCoordinatorError(code):
		return kerr.NotEnoughReplicas.Code
	default:
		return code
	}
}

// notInTransaction is the error of a batch that may not be written.
func (p *production) notInTransaction(code int16, out *kmsg.ProduceResponseTopicPartition) error {
	if code == kerr.InvalidTxnState.Code {
		p.mu.Lock()
		out.ErrorMessage = kmsg.StringPtr("Partition was not added to the transaction")
		p.mu.Unlock()
	}
	return kerr.ErrorForCode(code)
}
