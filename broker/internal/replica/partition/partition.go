package partition

import (
	"errors"
	"fmt"
	"slices"
)

// Errors of a check. The API layer turns them into Kafka's codes.
var (
	ErrNotLeader                    = errors.New("not the leader of this partition")
	ErrFencedLeaderEpoch            = errors.New("the leader epoch is older than the partition's")
	ErrUnknownLeaderEpoch           = errors.New("the leader epoch is newer than the partition's")
	ErrNotEnoughReplicas            = errors.New("fewer replicas in sync than min.insync.replicas")
	ErrNotEnoughReplicasAfterAppend = errors.New("fewer replicas in sync than min.insync.replicas, noticed after the append")
)

// NoEpoch is a request without a leader epoch: nothing to compare.
const NoEpoch int32 = -1

// Role is what a replica is at the moment.
//
// Transitions, each by Assign with a metadata record of a higher leader epoch, or the same one for a changed ISR:
//
//	Offline  -> Leader    the record names this broker as leader
//	Offline  -> Follower  the record names another one
//	Leader  <-> Follower  leadership moved
//	any      -> Offline   the record names no leader, or the log directory failed
type Role uint8

const (
	Offline Role = iota
	Follower
	Leader
)

func (r Role) String() string { return [...]string{"offline", "follower", "leader"}[r] }

// Assignment is what the metadata log says of a partition.
type Assignment struct {
	Leader         int32
	LeaderEpoch    int32
	PartitionEpoch int32
	Replicas, ISR  []int32
	MinISR         int // min.insync.replicas as configured; capped here at the number of replicas
}

// Machine is the state of one replica. It is a value without pointers of its own to the world: the caller guards it.
type Machine struct {
	self       int32
	role       Role
	assignment Assignment
	high       int64 // high watermark
	start      int64 // log end when this leadership began: below it nothing of our epoch exists
	durable    int64 // own durable end
	followers  []follower
}

// follower is what a leader knows of another replica.
type follower struct {
	id      int32
	durable int64 // from its last fetch; -1 before the first
}

// New is an offline replica of broker self whose log is durable up to durable and whose last known high watermark is high.
func New(self int32, durable, high int64) Machine {
	return Machine{self: self, durable: durable, high: min(high, durable), assignment: Assignment{Leader: -1, LeaderEpoch: -1, PartitionEpoch: -1}}
}

// Assign takes what the metadata log says. It answers false, and changes nothing, when it has seen newer.
func (m *Machine) Assign(a Assignment, logEnd int64) (changed bool) {
	if a.LeaderEpoch < m.assignment.LeaderEpoch || a.PartitionEpoch < m.assignment.PartitionEpoch {
		return false
	}
	newEpoch := a.LeaderEpoch > m.assignment.LeaderEpoch
	m.assignment = a
	switch {
	case a.Leader < 0:
		m.role = Offline
	case a.Leader != m.self:
		m.role, m.followers = Follower, nil
	default:
		if m.role != Leader || newEpoch {
			m.start = logEnd
		}
		m.role = Leader
		m.followers = m.follow(a.Replicas)
	}
	m.raise()
	return true
}

// follow keeps what is known of replicas that stay and starts with nothing for new ones.
func (m *Machine) follow(replicas []int32) []follower {
	var out []follower
	for _, id := range replicas {
		if id == m.self {
			continue
		}
		f := follower{id: id, durable: -1}
		if i := slices.IndexFunc(m.followers, func(o follower) bool { return o.id == id }); i >= 0 {
			f = m.followers[i]
		}
		out = append(out, f)
	}
	return out
}

// Durable tells that this replica's own log is durable up to end. It answers whether the high watermark moved.
func (m *Machine) Durable(end int64) (moved bool) {
	m.durable = max(m.durable, end)
	return m.raise()
}

// Fetched tells that a follower's log is durable up to end.
func (m *Machine) Fetched(id int32, end int64) (moved bool) {
	for i := range m.followers {
		if m.followers[i].id == id {
			m.followers[i].durable = max(m.followers[i].durable, end)
		}
	}
	return m.raise()
}

// raise moves the high watermark to the smallest durable end of the in-sync replicas.
func (m *Machine) raise() (moved bool) {
	if m.role != Leader || len(m.assignment.ISR) < m.minISR() {
		return false
	}
	low := m.durable
	for _, f := range m.followers {
		if slices.Contains(m.assignment.ISR, f.id) {
			low = min(low, f.durable)
		}
	}
	if low <= m.high {
		return false
	}
	m.high = low
	return true
}

func (m *Machine) minISR() int { return min(m.assignment.MinISR, len(m.assignment.Replicas)) }

// SetMinISR takes a changed min.insync.replicas.
func (m *Machine) SetMinISR(n int) (moved bool) {
	m.assignment.MinISR = n
	return m.raise()
}

// SetHighWatermark follows a leader's high watermark, or sets it after the log was cut.
func (m *Machine) SetHighWatermark(high int64) { m.high = min(high, m.durable) }

// CheckLeader refuses what only a leader may do, and requests of another epoch (KIP-320).
func (m *Machine) CheckLeader(epoch int32) error {
	if epoch != NoEpoch {
		switch {
		case epoch < m.assignment.LeaderEpoch:
			return fmt.Errorf("%w: %d < %d", ErrFencedLeaderEpoch, epoch, m.assignment.LeaderEpoch)
		case epoch > m.assignment.LeaderEpoch:
			return fmt.Errorf("%w: %d > %d", ErrUnknownLeaderEpoch, epoch, m.assignment.LeaderEpoch)
		}
	}
	if m.role != Leader {
		return fmt.Errorf("%w: broker %d is %s, the leader is %d", ErrNotLeader, m.self, m.role, m.assignment.Leader)
	}
	return nil
}

// CheckAppend refuses an append that acks=all could not acknowledge (APP-8).
func (m *Machine) CheckAppend(all bool) error {
	if err := m.CheckLeader(NoEpoch); err != nil {
		return err
	}
	if all && len(m.assignment.ISR) < m.minISR() {
		return fmt.Errorf("%w: %d of %d", ErrNotEnoughReplicas, len(m.assignment.ISR), m.minISR())
	}
	return nil
}

// Role, Epoch, LeaderID, High, Durable and EpochStart are the state that others may see.
func (m *Machine) Role() Role        { return m.role }
func (m *Machine) Epoch() int32      { return m.assignment.LeaderEpoch }
func (m *Machine) LeaderID() int32   { return m.assignment.Leader }
func (m *Machine) High() int64       { return m.high }
func (m *Machine) DurableEnd() int64 { return m.durable }
func (m *Machine) EpochStart() int64 { return m.start }
func (m *Machine) InSync() []int32   { return m.assignment.ISR }
func (m *Machine) Replicas() []int32 { return m.assignment.Replicas }
func (m *Machine) MinISR() int       { return m.minISR() }
