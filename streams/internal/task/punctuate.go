package task

import (
	"slices"

	"github.com/mainstem-io/mainstem/streams/processor"
)

// Punctuation is one running schedule.
type Punctuation struct {
	node      string
	interval  int64
	next      int64
	call      func(at int64) error
	cancelled bool
}

// Cancel ends it.
func (p *Punctuation) Cancel() { p.cancelled = true }

// schedule is the punctuations of one clock, by when they are due.
type schedule struct {
	due []*Punctuation
}

func (s *schedule) add(p *Punctuation) {
	i := len(s.due)
	for i > 0 && s.due[i-1].next > p.next {
		i--
	}
	s.due = slices.Insert(s.due, i, p)
}

// run calls what is due; a schedule that missed several intervals is called once.
func (s *schedule) run(t *Task, now int64) {
	for now != None && len(s.due) > 0 && s.due[0].next <= now {
		p := s.due[0]
		s.due = slices.Delete(s.due, 0, 1)
		if p.cancelled {
			continue
		}
		t.punctuate(p, now)
		last := p.next
		p.next = last + p.interval
		if now >= p.next {
			p.next = last + ((now-last)/p.interval+1)*p.interval
		}
		if !p.cancelled {
			s.add(p)
		}
	}
}

func (t *Task) punctuate(p *Punctuation, now int64) {
	t.current = nil
	ok := true
	var err error
	func() {
		defer t.Catch(processor.Punctuate, p.node, &ok)
		err = p.call(now)
	}()
	if ok && err != nil {
		t.Handle(processor.Punctuate, p.node, err)
	}
}

// Schedule starts a punctuation of a node.
func (t *Task) Schedule(node string, clock processor.Clock, interval int64, anchor *int64, call func(at int64) error) *Punctuation {
	p := &Punctuation{node: node, interval: max(interval, 1), call: call}
	s, now := &t.stream, t.streamTime
	if clock == processor.WallClock {
		s, now = &t.wall, t.cfg.Now()
		p.next = now + p.interval
	}
	if anchor != nil {
		p.next = *anchor
		if now != None && now > p.next {
			p.next += (now - p.next + p.interval - 1) / p.interval * p.interval
		}
	}
	s.add(p)
	return p
}

// Punctuate runs what the wall clock has made due.
func (t *Task) Punctuate() error {
	if len(t.wall.due) == 0 || t.wall.due[0].next > t.cfg.Now() {
		return nil
	}
	return t.guarded(func() { t.wall.run(t, t.cfg.Now()) })
}

// NextPunctuation is when the wall clock makes one due; false when none is scheduled.
func (t *Task) NextPunctuation() (int64, bool) {
	if len(t.wall.due) == 0 {
		return 0, false
	}
	return t.wall.due[0].next, true
}
