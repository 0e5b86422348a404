package cluster

import (
	"maps"
	"slices"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// registerBroker takes a broker in, or in again. Its partitions follow in the same entry: what it lost leaves ISR and ELR
// before anybody can see the broker live (rule 6), and what it leads on gets a new epoch (rule 2).
func (m *Machine) registerBroker(now Now, ev RegisterBroker) Effects {
	b := ev.Broker
	if res := m.checkFeatures(b); !res.OK() {
		return Effects{Reply: RegisteredBroker{Result: res}}
	}
	b.Epoch, b.ShuttingDown = now.Offset, false
	records := []metadata.Record{b.Record()}
	lost := map[TopicPartition]bool{}
	for _, tp := range ev.Unclean {
		lost[tp] = true
	}
	records = append(records, m.changesOf(b.ID, func(c *change) {
		unclean := lost[TopicPartition{c.topic.ID, c.index}]
		m.liveness(c, b.ID, !b.Fenced)
		c.resumed = b.ID
		if b.Fenced || unclean {
			c.isr = without(c.isr, b.ID)
		}
		if unclean {
			c.unclean = func(id int32) bool { return id == b.ID }
		}
	})...)
	return Effects{Records: records, Reply: RegisteredBroker{Epoch: b.Epoch}}
}

// checkFeatures refuses a broker that cannot live with what is finalized.
func (m *Machine) checkFeatures(b metadata.Broker) Result {
	if len(b.Features) == 0 {
		return Result{}
	}
	finalized := m.View().Features()
	for _, name := range slices.Sorted(maps.Keys(finalized)) {
		if levels := b.Features[name]; finalized[name] < levels[0] || finalized[name] > levels[1] {
			return fail(kerr.UnsupportedVersion, "Unable to register because the broker does not support finalized version %d of %s. "+
				"The broker wants a version between %d and %d, inclusive.", finalized[name], name, levels[0], levels[1])
		}
	}
	return Result{}
}

// checkBroker tells whether a broker is registered, and with that epoch.
func (m *Machine) checkBroker(id int32, epoch int64) Result {
	b := m.View().Broker(id)
	switch {
	case b == nil:
		return fail(kerr.BrokerIDNotRegistered, "Broker ID %d is not currently registered", id)
	case b.Epoch != epoch:
		return fail(kerr.StaleBrokerEpoch, "Expected broker epoch %d, but got broker epoch %d", b.Epoch, epoch)
	}
	return Result{}
}

func (m *Machine) unfenceBroker(ev UnfenceBroker) Effects {
	res := m.checkBroker(ev.ID, ev.Epoch)
	if b := m.View().Broker(ev.ID); !res.OK() || !b.Fenced {
		return Effects{Reply: res}
	}
	records := []metadata.Record{&metadata.BrokerRegistrationChangeRecord{BrokerID: ev.ID, BrokerEpoch: ev.Epoch, Fenced: -1}}
	shuttingDown := m.View().Broker(ev.ID).ShuttingDown
	records = append(records, m.changesOf(ev.ID, func(c *change) { m.liveness(c, ev.ID, !shuttingDown) })...)
	return Effects{Records: records, Reply: res}
}

func (m *Machine) fenceBroker(ev FenceBroker) Effects {
	res := m.checkBroker(ev.ID, ev.Epoch)
	if b := m.View().Broker(ev.ID); !res.OK() || b.Fenced {
		return Effects{Reply: res}
	}
	records := []metadata.Record{&metadata.BrokerRegistrationChangeRecord{BrokerID: ev.ID, BrokerEpoch: ev.Epoch, Fenced: 1}}
	return Effects{Records: append(records, m.leave(ev.ID)...), Reply: res}
}

func (m *Machine) shutdownBroker(ev ShutdownBroker) Effects {
	res := m.checkBroker(ev.ID, ev.Epoch)
	if b := m.View().Broker(ev.ID); !res.OK() || b.ShuttingDown {
		return Effects{Reply: res}
	}
	records := []metadata.Record{&metadata.BrokerRegistrationChangeRecord{BrokerID: ev.ID, BrokerEpoch: ev.Epoch, InControlledShutdown: 1}}
	return Effects{Records: append(records, m.leave(ev.ID)...), Reply: res}
}

func (m *Machine) unregisterBroker(ev UnregisterBroker) Effects {
	b := m.View().Broker(ev.ID)
	if b == nil {
		return Effects{Reply: fail(kerr.BrokerIDNotRegistered, "Broker ID %d is not currently registered", ev.ID)}
	}
	records := append(m.leave(ev.ID), &metadata.UnregisterBrokerRecord{BrokerID: ev.ID, BrokerEpoch: b.Epoch})
	return Effects{Records: records, Reply: Result{}}
}

// leave takes a broker out of all ISRs and leaderships.
func (m *Machine) leave(id int32) []metadata.Record {
	return m.changesOf(id, func(c *change) {
		m.liveness(c, id, false)
		c.isr = without(c.isr, id)
	})
}

// liveness decides a change on the state in which one broker is live, or not.
func (m *Machine) liveness(c *change, id int32, alive bool) {
	others := c.live
	c.live = func(other int32) bool {
		if other == id {
			return alive
		}
		return others(other)
	}
}

// changesOf runs a change over every partition that has a replica on a broker, in order of topic and partition.
func (m *Machine) changesOf(id int32, prepare func(*change)) []metadata.Record {
	var records []metadata.Record
	for _, t := range m.View().Topics() {
		for i, p := range t.Partitions {
			if !slices.Contains(p.Replicas, id) {
				continue
			}
			c := m.newChange(t, int32(i))
			prepare(c)
			if r := c.record(); r != nil {
				records = append(records, r)
			}
		}
	}
	return records
}
