package partition

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

func leader(t *testing.T, isr ...int32) *Machine {
	t.Helper()
	m := New(1, 0, 0)
	if !m.Assign(Assignment{Leader: 1, LeaderEpoch: 3, PartitionEpoch: 0, Replicas: []int32{1, 2, 3}, ISR: isr, MinISR: 2}, 0) {
		t.Fatal("the first assignment was refused")
	}
	return &m
}

func TestHighWatermarkIsTheSmallestDurableEndInSync(t *testing.T) {
	m := leader(t, 1, 2)
	m.Durable(10)
	if m.High() != 0 {
		t.Fatalf("high watermark %d counts a follower that has fetched nothing", m.High())
	}
	m.Fetched(3, 20) // not in sync
	m.Fetched(2, 7)
	if m.High() != 7 {
		t.Fatalf("high watermark %d, want the follower's 7", m.High())
	}
	m.Fetched(2, 12)
	if m.High() != 10 {
		t.Fatalf("high watermark %d, want our own durable 10", m.High())
	}
}

func TestHighWatermarkStandsStillBelowMinISR(t *testing.T) {
	m := leader(t, 1)
	m.Durable(10)
	if m.High() != 0 {
		t.Fatalf("high watermark %d moved with one of two replicas in sync (KIP-966)", m.High())
	}
	if err := m.CheckAppend(true); !errors.Is(err, ErrNotEnoughReplicas) {
		t.Fatalf("acks=all: %v", err)
	}
	if err := m.CheckAppend(false); err != nil {
		t.Fatalf("acks=1 ignores min.insync.replicas: %v", err)
	}
}

func TestMinISRAboveTheReplicasCountsAsTheReplicas(t *testing.T) {
	m := New(1, 5, 0)
	m.Assign(Assignment{Leader: 1, Replicas: []int32{1}, ISR: []int32{1}, MinISR: 2}, 5)
	if err := m.CheckAppend(true); err != nil || m.High() != 5 {
		t.Fatalf("err %v, high watermark %d", err, m.High())
	}
}

func TestEpochsAreCompared(t *testing.T) {
	m := leader(t, 1, 2)
	for epoch, want := range map[int32]error{NoEpoch: nil, 2: ErrFencedLeaderEpoch, 3: nil, 4: ErrUnknownLeaderEpoch} {
		if err := m.CheckLeader(epoch); !errors.Is(err, want) {
			t.Errorf("epoch %d: %v, want %v", epoch, err, want)
		}
	}
	m.Assign(Assignment{Leader: 2, LeaderEpoch: 4, Replicas: []int32{1, 2, 3}, ISR: []int32{2}}, 0)
	if err := m.CheckLeader(NoEpoch); !errors.Is(err, ErrNotLeader) {
		t.Fatalf("a follower answered as leader: %v", err)
	}
}

func TestAnOlderAssignmentChangesNothing(t *testing.T) {
	m := leader(t, 1, 2)
	if m.Assign(Assignment{Leader: 2, LeaderEpoch: 2, Replicas: []int32{1, 2}, ISR: []int32{2}}, 0) || m.Role() != Leader {
		t.Fatal("an assignment of an older epoch was taken")
	}
}

// TestRandomHistories drives a machine with random events and checks after each what must always hold.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := New(1, 0, 0)
		epoch, partitionEpoch, durable := int32(0), int32(0), int64(0)
		for step := range 200 {
			before := m.High()
			switch r.IntN(4) {
			case 0:
				isr := slices.DeleteFunc([]int32{1, 2, 3}, func(id int32) bool { return id != 1 && r.IntN(2) == 0 })
				if r.IntN(3) == 0 {
					epoch++
				}
				partitionEpoch++
				m.Assign(Assignment{Leader: 1 + r.Int32N(2), LeaderEpoch: epoch, PartitionEpoch: partitionEpoch, Replicas: []int32{1, 2, 3}, ISR: isr, MinISR: 1 + r.IntN(3)}, durable)
			case 1:
				durable += r.Int64N(5)
				m.Durable(durable)
			default:
				m.Fetched(2+r.Int32N(2), r.Int64N(durable+1))
			}
			high := m.High()
			if high < before || high > m.DurableEnd() {
				t.Fatalf("seed %d, step %d: high watermark %d after %d, durable %d", seed, step, high, before, m.DurableEnd())
			}
			if moved := high > before; moved && (m.Role() != Leader || len(m.InSync()) < m.MinISR()) {
				t.Fatalf("seed %d, step %d: the high watermark moved with role %v and %d of %d in sync", seed, step, m.Role(), len(m.InSync()), m.MinISR())
			}
		}
	}
}
