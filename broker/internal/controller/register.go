package controller

import (
	"context"
	"fmt"

	"github.com/mainstem-io/mainstem/broker/internal/controller/cluster"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Register registers a broker of this process at its start and answers its epoch. With b.Fenced the broker leads nothing
// until Unfence; without, it leads at once, and every leadership it had goes on under a new epoch.
func (c *Controller) Register(ctx context.Context, b metadata.Broker, unclean []cluster.TopicPartition) (int64, error) {
	reply, err := c.Submit(ctx, cluster.RegisterBroker{Broker: b, Unclean: unclean})
	if err != nil {
		return 0, fmt.Errorf("register broker %d: %w", b.ID, err)
	}
	r := reply.(cluster.RegisteredBroker)
	return r.Epoch, refused(r.Result, "register broker %d", b.ID)
}

// Unfence lets a registered broker lead.
func (c *Controller) Unfence(ctx context.Context, id int32, epoch int64) error {
	return c.change(ctx, cluster.UnfenceBroker{ID: id, Epoch: epoch}, "unfence broker %d", id)
}

// Shutdown begins a broker's controlled shutdown: its leaderships move away.
func (c *Controller) Shutdown(ctx context.Context, id int32, epoch int64) error {
	return c.change(ctx, cluster.ShutdownBroker{ID: id, Epoch: epoch}, "shut down broker %d", id)
}

func (c *Controller) change(ctx context.Context, ev cluster.Event, what string, id int32) error {
	reply, err := c.Submit(ctx, ev)
	if err != nil {
		return fmt.Errorf(what+": %w", id, err)
	}
	return refused(reply.(cluster.Result), what, id)
}

// refused is a Result as an error; nil when it is none.
func refused(r cluster.Result, what string, id int32) error {
	if r.OK() {
		return nil
	}
	err := kerr.ErrorForCode(r.Code)
	if r.Message != nil {
		return fmt.Errorf(what+": %w: %s", id, err, *r.Message)
	}
	return fmt.Errorf(what+": %w", id, err)
}
