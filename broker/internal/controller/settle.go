package controller

import (
	"fmt"
	"math"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/mainstem-io/mainstem/broker/internal/quorum"
)

// settle carries out the quorum's effects until there are none, then lets a new leader begin.
func (c *Controller) settle() error {
	for {
		c.compact()
		fx, some, err := c.node.Ready()
		if err != nil {
			return fmt.Errorf("quorum: %w", err)
		}
		if some {
			if err := c.carryOut(fx); err != nil {
				return err
			}
			continue
		}
		began, err := c.begin()
		if err != nil {
			return err
		}
		if !began {
			return nil
		}
	}
}

// carryOut does what the quorum wants, in the order that makes it safe: persist, send, apply, show, reply.
func (c *Controller) carryOut(fx quorum.Effects) error {
	var replaced *metadata.Image
	if fx.Snapshot != nil {
		var err error
		if replaced, err = c.install(fx.Snapshot); err != nil {
			return fmt.Errorf("install the leader's snapshot at %d: %w", fx.Snapshot.Index, err)
		}
	}
	if record := c.saved.take(fx); record != nil {
		if err := <-c.cfg.Journal.AppendRaft(record); err != nil {
			return fmt.Errorf("append to the metadata log: %w", err)
		}
	}
	if len(fx.Messages) > 0 && c.cfg.Transport != nil {
		c.cfg.Transport.Send(fx.Messages)
	}
	c.follow(fx)
	if old := c.Image(); replaced != nil && replaced.Offset > old.Offset {
		c.publish(old, replaced, metadata.Between(old, replaced))
	}
	for _, e := range fx.Committed {
		if err := c.apply(e); err != nil {
			return err
		}
	}
	c.publishStatus()
	c.reply()
	c.askForSnapshot()
	return nil
}

// follow notes a change of the role. What was decided under an earlier leadership has an unknown outcome.
func (c *Controller) follow(fx quorum.Effects) {
	if fx.Role == c.role && fx.Term == c.term {
		return
	}
	was := c.role
	c.role, c.term = fx.Role, fx.Term
	if was == quorum.Leader {
		c.machine = nil
		for _, w := range c.waiting {
			w.done <- answer{err: ErrOutcomeUnknown}
		}
		c.waiting = nil
	}
	if c.role != quorum.Leader {
		for _, r := range c.held {
			r.done <- answer{err: &NotLeaderError{Leader: int32(fx.Leader)}}
		}
		c.held = nil
		if was == quorum.Leader {
			c.log.Info("lost the leadership of the quorum", "epoch", fx.Term, "leader", int32(fx.Leader))
		}
		return
	}
	for _, e := range fx.Entries {
		if e.Term == fx.Term {
			c.readyAt = e.Index // raft opens a leadership with an entry of its own
			break
		}
	}
	c.log.Info("leads the quorum", "epoch", fx.Term, "offset", c.readyAt)
}

// begin makes the machine of a leadership once the image holds all that was committed before it, and a new cluster's first
// records. It answers true when there is something to settle again.
func (c *Controller) begin() (bool, error) {
	if c.role != quorum.Leader || c.machine != nil || c.Image().Offset < int64(c.readyAt) {
		return false, nil
	}
	c.machine = cluster.New(c.cfg.Cluster, c.Image())
	if c.Image().Feature(cluster.FeatureMetadata) == 0 {
		if err := c.propose(cluster.Bootstrap()); err != nil {
			return false, fmt.Errorf("begin the cluster: %w", err)
		}
	}
	for _, r := range c.held {
		if err := c.decide(r); err != nil {
			return false, err
		}
	}
	c.held = nil
	return true, nil
}

// apply takes a committed entry into the image and publishes it.
func (c *Controller) apply(e quorum.Entry) error {
	old := c.Image()
	if int64(e.Index) <= old.Offset {
		return nil // a snapshot, or recovery, has it already
	}
	d, err := step(old, e)
	if err != nil {
		return err
	}
	c.publish(old, d.Image(int64(e.Index), epoch(e.Term)), d)
	return nil
}

// step is what an entry does to an image: the same live and at recovery.
func step(old *metadata.Image, e quorum.Entry) (*metadata.Delta, error) {
	d := metadata.NewDelta(old)
	if e.Kind != quorum.Normal {
		return d, nil
	}
	records, err := metadata.DecodeList(e.Data)
	if err != nil {
		return nil, fmt.Errorf("metadata entry %d: %w", e.Index, err)
	}
	for _, r := range records {
		if err := d.Apply(r); err != nil {
			return nil, fmt.Errorf("metadata entry %d: %w", e.Index, err)
		}
	}
	return d, nil
}

// publish makes an image the current one and tells the listeners.
func (c *Controller) publish(old, next *metadata.Image, d *metadata.Delta) {
	c.saved.applied(next, c.node.Voters())
	c.image.Store(next)
	c.tell(old, next, d)
}

func (c *Controller) tell(old, next *metadata.Image, d *metadata.Delta) {
	for _, fn := range c.listeners {
		fn(old, next, d)
	}
}

// epoch is a raft term as Kafka's controller epoch.
func epoch(term uint64) int32 { return int32(min(term, math.MaxInt32)) }
