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

// UnregisterBroker forgets a broker; its replicas stay assigned to it. Reply: Result.
type UnregisterBroker struct {
	ID int32
}

// AlterReassignments moves partitions to other replicas, or cancels such a move (KIP-455). Reply: []Result, in order.
type AlterReassignments struct {
	Partitions            []Reassign
	KeepReplicationFactor bool // refuse to change it (KIP-860)
}

// Reassign is the wish for one partition; nil Replicas cancel the move that is under way.
type Reassign struct {
	Topic    string
	Index    int32
	Replicas []int32
}

func (UnregisterBroker) event()   {}
func (AlterReassignments) event() {}

func (ShutdownBroker) event() {}
func (AlterPartition) event() {}
