package commitlog

import "sort"

// epochStart says at which offset a leader epoch begins.
type epochStart struct {
	epoch int32
	start int64
}

// epochs are the leader epochs of a log, rising in both fields. A slice is never changed: every change answers a new one
// (KIP-101; Kafka's LeaderEpochFileCache).
type epochs []epochStart

const noEpoch = -1

func (es epochs) latest() int32 {
	if len(es) == 0 {
		return noEpoch
	}
	return es[len(es)-1].epoch
}

// assign adds an epoch. Entries that it contradicts, of a higher epoch or a later start, are removed.
func (es epochs) assign(e epochStart) epochs {
	n := len(es)
	for n > 0 && (es[n-1].epoch >= e.epoch || es[n-1].start >= e.start) {
		n--
	}
	return append(es[:n:n], e)
}

// cutEnd removes what begins at or behind end.
func (es epochs) cutEnd(end int64) epochs {
	n := sort.Search(len(es), func(i int) bool { return es[i].start >= end })
	return es[:n:n]
}

// cutStart removes what ended at or before start; the epoch that start lies in begins there from now on.
func (es epochs) cutStart(start int64) epochs {
	n := sort.Search(len(es), func(i int) bool { return es[i].start > start })
	if n == 0 {
		return es
	}
	return append(epochs{{es[n-1].epoch, start}}, es[n:]...)
}

// endOf answers the largest known epoch that is at most epoch, and the offset where it ends.
func (es epochs) endOf(epoch int32, logEnd int64) (int32, int64) {
	if epoch < 0 || len(es) == 0 || epoch > es.latest() {
		return -1, -1
	}
	if epoch == es.latest() {
		return epoch, logEnd
	}
	higher := sort.Search(len(es), func(i int) bool { return es[i].epoch > epoch })
	if higher == 0 { // older than all we know: nothing of it is here
		return epoch, es[0].start
	}
	return es[higher-1].epoch, es[higher].start
}
