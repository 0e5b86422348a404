package cluster

import (
	"fmt"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Now is the point at which an event is decided: in time, and in the log.
type Now struct {
	Time   time.Time
	Offset int64 // that the records of this decision will have
}

// Effects is what must happen for a decision to become true.
type Effects struct {
	Records []metadata.Record // proposed as one entry, then each applied
	Reply   Reply             // valid once the records, and all that were decided before them, are committed
}

// Configs is what the core must know about configuration keys. Errors carry the text for people, in Kafka's words.
// Everything it answers is decided by its arguments alone.
type Configs interface {
	// Validate answers nil when key is known for that kind of resource and value is one that it may have.
	Validate(t metadata.ResourceType, name, key, value string) error
	// ValidateSet checks what no key shows alone: set is everything that the resource will have set.
	ValidateSet(t metadata.ResourceType, name string, set map[string]string) error
	// List tells whether the key holds a comma-separated list, and so can be appended to and subtracted from.
	List(t metadata.ResourceType, key string) bool
	// Default is the value of a key that is not set anywhere.
	Default(t metadata.ResourceType, key string) string
}

// Config is what the core must know of its surroundings.
type Config struct {
	NodeID                   int32 // of this controller, for error texts
	Configs                  Configs
	DefaultPartitions        int32 // num.partitions; 0 means 1
	DefaultReplicationFactor int16 // default.replication.factor; 0 means 1
	MinISR                   int   // min.insync.replicas as set in the broker's file; 0: 2 when RF >= 3, else 1 (storage.md 11.5)
	FlushOS                  bool  // flush.policy=os in the broker's file: decides whether a last known leader takes over
	UncleanElection          bool  // unclean.leader.election.enable in the broker's file
}

// Machine is the core. One goroutine owns it.
//
// Transitions of a registration (fenced, shutting down):
//
//	none            -> fenced or live  RegisterBroker
//	fenced, live    -> fenced or live  RegisterBroker again: a new broker epoch
//	fenced          -> live            UnfenceBroker
//	live            -> fenced          FenceBroker
//	live or fenced  -> shutting down   ShutdownBroker; only a new registration ends it
//	any             -> none            UnregisterBroker
//
// Transitions of a partition's leadership: see choose in election.go.
type Machine struct {
	cfg        Config
	delta      *metadata.Delta
	applied    int               // records since delta was started
	collisions map[string]string // name with '.' as '_' -> the topic that has it; only names with one of the two
}

// New starts from an image, which is not written to.
func New(cfg Config, from *metadata.Image) *Machine {
	if cfg.DefaultPartitions == 0 {
		cfg.DefaultPartitions = 1
	}
	if cfg.DefaultReplicationFactor == 0 {
		cfg.DefaultReplicationFactor = 1
	}
	m := &Machine{cfg: cfg, delta: metadata.NewDelta(from), collisions: map[string]string{}}
	for _, t := range from.Topics() {
		m.index(t.Name)
	}
	return m
}

// View is the state as it is: valid until the next Apply.
func (m *Machine) View() *metadata.Image { return m.delta.View() }

// Decide answers ev. It reads the state and never writes it. The error is for what no client can cause.
func (m *Machine) Decide(now Now, ev Event) (Effects, error) {
	switch ev := ev.(type) {
	case CreateTopics:
		return m.createTopics(ev)
	case DeleteTopics:
		return m.deleteTopics(ev), nil
	case CreatePartitions:
		return m.createPartitions(ev), nil
	case AlterConfigs:
		return m.alterConfigs(ev), nil
	case UpdateFeatures:
		return m.updateFeatures(ev), nil
	case RegisterBroker:
		return m.registerBroker(now, ev), nil
	case UnfenceBroker:
		return m.unfenceBroker(ev), nil
	case FenceBroker:
		return m.fenceBroker(ev), nil
	case ShutdownBroker:
		return m.shutdownBroker(ev), nil
	case AlterPartition:
		return m.alterPartition(ev), nil
	case AllocateProducerIDs:
		return m.allocateProducerIDs(ev), nil
	case ElectLeaders:
		return m.electLeaders(ev), nil
	case UnregisterBroker:
		return m.unregisterBroker(ev), nil
	case AlterReassignments:
		return m.alterReassignments(ev), nil
	case AlterClientQuotas:
		return m.alterClientQuotas(ev), nil
	case AlterScramCredentials:
		return m.alterScram(ev), nil
	case CreateACLs:
		return m.createACLs(ev)
	case CreateToken:
		return m.createToken(now, ev)
	case ExtendToken:
		return m.extendToken(now, ev), nil
	case ExpireTokens:
		return m.expireTokens(now), nil
	case DeleteACLs:
		return m.deleteACLs(ev), nil
	default:
		return Effects{}, fmt.Errorf("no rule for the event %T", ev)
	}
}

// rotateAfter bounds what a delta remembers of the records it applied.
const rotateAfter = 1 << 14

// Apply is the one writer of the state. An error means that the record does not fit the state: the log is damaged.
func (m *Machine) Apply(r metadata.Record) error {
	switch r := r.(type) {
	case *metadata.TopicRecord:
		m.index(r.Name)
	case *metadata.RemoveTopicRecord:
		if t := m.View().TopicByID(r.TopicID); t != nil && m.collisions[unify(t.Name)] == t.Name {
			delete(m.collisions, unify(t.Name))
		}
	}
	if err := m.delta.Apply(r); err != nil {
		return err
	}
	if m.applied++; m.applied >= rotateAfter {
		v := m.View()
		m.delta, m.applied = metadata.NewDelta(m.delta.Image(v.Offset, v.Epoch)), 0
	}
	return nil
}

func (m *Machine) index(name string) {
	if collides(name) {
		m.collisions[unify(name)] = name
	}
}

// fail is the Result of an error with the text for people; an empty format gives none.
func fail(e *kerr.Error, format string, args ...any) Result {
	if format == "" {
		return Result{Code: e.Code}
	}
	return Result{Code: e.Code, Message: new(fmt.Sprintf(format, args...))}
}

// OK tells whether the item succeeded.
func (r Result) OK() bool { return r.Code == 0 }

// words are what an error says to people, as Kafka's tools show it.
type words string

func (w words) Error() string { return string(w) }

func say(format string, args ...any) error { return words(fmt.Sprintf(format, args...)) }
