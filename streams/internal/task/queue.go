package task

// queue is one partition's records that wait. The head is decoded: its timestamp decides whose turn it is.
type queue struct {
	task          *Task
	source        Source
	topic         string
	raws          []Raw
	next          int // of raws: the first that is not decoded
	head          Raw
	hasHead       bool
	headTime      int64
	partitionTime int64
	emptySince    int64
	offset        int64 // after the last record that is done with
	epoch         int32
	moved         bool // offset is set
}

func (q *queue) empty() bool { return !q.hasHead }

// fill decodes until there is a head. Skipped records are done with.
func (q *queue) fill() {
	for !q.hasHead && q.next < len(q.raws) {
		q.head = q.raws[q.next]
		q.raws[q.next] = Raw{}
		q.next++
		ts, ok := q.source.Decode(&q.head, q.partitionTime)
		if !ok {
			q.done(&q.head)
			continue
		}
		q.hasHead, q.headTime = true, ts
	}
	if q.next == len(q.raws) {
		q.raws, q.next = q.raws[:0], 0
	}
}

func (q *queue) done(r *Raw) {
	q.offset, q.epoch, q.moved = r.Offset+1, r.LeaderEpoch, true
	q.task.dirty = true
}

// Enqueue adds records of a partition, in order. It fails when a record cannot be decoded and the policy is to stop.
func (t *Task) Enqueue(topic string, records []Raw) error {
	q := t.byTopic[topic]
	q.raws = append(q.raws, records...)
	return t.guarded(q.fill)
}

// Buffered is how many records of a topic wait.
func (t *Task) Buffered(topic string) int {
	q := t.byTopic[topic]
	n := len(q.raws) - q.next
	if q.hasHead {
		n++
	}
	return n
}

// Waiting says whether any record waits.
func (t *Task) Waiting() bool {
	for _, q := range t.queues {
		if !q.empty() {
			return true
		}
	}
	return false
}

// Ready says whether the next record may be processed (KIP-695): all partitions have one, or those without have had their
// chance. since the broker said that it has nothing more for a partition, MaxIdle must have passed.
func (t *Task) Ready() bool {
	some, late := false, false
	now := t.cfg.Now()
	for _, q := range t.queues {
		if !q.empty() {
			some, q.emptySince = true, None
			continue
		}
		if t.cfg.MaxIdle < 0 {
			continue
		}
		lag, known := t.cfg.Lag(q.topic, t.cfg.Partition)
		if !known || lag > 0 {
			q.emptySince = None
			return false
		}
		if q.emptySince == None {
			q.emptySince = now
		}
		if now-q.emptySince < t.cfg.MaxIdle {
			return false
		}
		late = true
	}
	if some && late {
		t.enforced++
	}
	return some
}

// Step processes the record with the lowest timestamp and the punctuations that it makes due. did is false when none is ready.
func (t *Task) Step() (did bool, err error) {
	if t.failed != nil {
		return false, t.failed
	}
	if !t.Ready() {
		return false, nil
	}
	var q *queue
	for _, c := range t.queues {
		if !c.empty() && (q == nil || c.headTime < q.headTime) {
			q = c
		}
	}
	return true, t.guarded(func() { t.process(q) })
}

func (t *Task) process(q *queue) {
	t.streamTime = max(t.streamTime, q.headTime)
	q.partitionTime = max(q.partitionTime, q.headTime)
	t.current = &q.head
	q.source.Process()
	t.current = nil
	q.hasHead = false
	q.done(&q.head)
	q.fill()
	t.stream.run(t, t.streamTime)
}

// Progress is how far a partition is: what to commit.
type Progress struct {
	Topic         string
	Offset        int64
	LeaderEpoch   int32
	PartitionTime int64
}

// Progress is the partitions that moved since the task was made.
func (t *Task) Progress() []Progress {
	var out []Progress
	for _, q := range t.queues {
		if q.moved {
			out = append(out, Progress{q.topic, q.offset, q.epoch, q.partitionTime})
		}
	}
	return out
}

// Topics is what the task reads.
func (t *Task) Topics() []string {
	var out []string
	for _, q := range t.queues {
		out = append(out, q.topic)
	}
	return out
}
