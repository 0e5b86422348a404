package cluster

import (
	"math"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// producerIDBlock is how many ids a block has, as Kafka's ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE (KIP-730).
const producerIDBlock = 1000

func (m *Machine) allocateProducerIDs(ev AllocateProducerIDs) Effects {
	if res := m.checkBroker(ev.BrokerID, ev.BrokerEpoch); !res.OK() {
		return Effects{Reply: ProducerIDBlock{Result: res}}
	}
	first := m.View().NextProducerID()
	if first > math.MaxInt64-producerIDBlock {
		return Effects{Reply: ProducerIDBlock{Result: fail(kerr.UnknownServerError, "Exhausted all producerIds as the next block's end "+
			"producerId has exceeded the int64 type limit")}}
	}
	return Effects{
		Records: []metadata.Record{&metadata.ProducerIdsRecord{BrokerID: ev.BrokerID, BrokerEpoch: ev.BrokerEpoch, NextProducerID: first + producerIDBlock}},
		Reply:   ProducerIDBlock{First: first, Count: producerIDBlock},
	}
}
