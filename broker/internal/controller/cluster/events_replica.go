package cluster

import "github.com/mainstem-io/mainstem/broker/internal/metadata"

// ShutdownBroker begins a controlled shutdown: leaderships move away at once. Reply: Result.
type ShutdownBroker struct {
	ID    int32
	Epoch int64
}

// AlterPartition is a leader's wish to change ISRs (storage.md 11.2 rule 4). Reply: AlteredPartitions.
type AlterPartition struct {
	BrokerID    int32 // the leader that asks
	BrokerEpoch int64
	Partitions  []AlterISR
}

// AlterISR is one partition of AlterPartition.
type AlterISR struct {
	TopicPartition
	LeaderEpoch    int32
	PartitionEpoch int32
	ISR            []ISRMember
	Recovering     bool // the leader still recovers from an unclean election
}

// ISRMember is a replica with the broker epoch on which the leader's evidence rests (KIP-903); -1 when it has none.
type ISRMember struct {
	ID    int32
	Epoch int64
}

// AlteredPartitions answers AlterPartition, in order.
type AlteredPartitions struct {
	Result
	Partitions []AlteredPartition
}

// AlteredPartition is the outcome for one partition; State is as it will be, nil beside an error.
type AlteredPartition struct {
	TopicPartition
	Result
	State *metadata.Partition
}

func (ShutdownBroker) event() {}
func (AlterPartition) event() {}
