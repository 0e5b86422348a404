package txn

import "github.com/mainstem-io/mainstem/broker/internal/coordinator"

// markers is what a decided transaction wants written.
func (v *Value) markers(id string) Markers {
	return Markers{
		ID: id, ProducerID: v.ProducerID, Epoch: v.Epoch, Commit: v.commits(), ClientVersion: v.ClientVersion, Partitions: v.Partitions,
	}
}

// nextMarkers answers with everything that nobody writes yet, or waits. After a reload that is what a crash left behind.
func (d *decision) nextMarkers() {
	if d.waiting != 0 {
		d.out.Answers = append(d.out.Answers, coordinator.Answer{To: d.waiting, Reply: []Markers(nil)})
	}
	d.waiting = d.ticket
	for _, id := range sortedKeys(d.preparing) {
		if !d.handed[id] {
			d.work = append(d.work, d.ids[id].markers(id))
		}
	}
}

// handOut gives work to who waits for it; without anybody the next NextMarkers finds it.
func (d *decision) handOut() {
	if len(d.work) == 0 || d.waiting == 0 {
		return
	}
	for _, w := range d.work {
		d.handed[w.ID] = true
	}
	d.out.Answers = append(d.out.Answers, coordinator.Answer{To: d.waiting, Reply: d.work})
	d.waiting = 0
}

// completed ends a transaction whose markers are durable. Who comes late, or with another epoch, changes nothing.
func (d *decision) completed(ev Completed) bool {
	v := d.ids[ev.ID]
	if v == nil || !v.State.preparing() || v.ProducerID != ev.ProducerID || v.Epoch != ev.Epoch {
		return false
	}
	d.write(ev.ID, d.after(v))
	return true
}
