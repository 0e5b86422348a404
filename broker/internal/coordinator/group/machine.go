package group

import (
	"fmt"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// Config is what the core must know of its surroundings.
type Config struct {
	// Classic groups.
	InitialRebalanceDelay time.Duration
	MinSessionTimeout     time.Duration
	MaxSessionTimeout     time.Duration
	MaxSize               int // members of a classic group

	// KIP-848 groups.
	MaxConsumers int
	Assignors    []string // the default first
	Migration    Migration
	// Settings are those of a group whose configuration resource has set.
	Settings func(set map[string]string) Settings

	// Offsets.
	Retention        time.Duration
	RetentionCheck   time.Duration
	MaxMetadataBytes int

	MaxBatchBytes int           // of the records of one decision
	NewID         func() string // a member's id, never the same twice
}

// Settings are the dynamic settings of a KIP-848 group.
type Settings struct {
	SessionTimeout     time.Duration
	HeartbeatInterval  time.Duration
	AssignmentInterval time.Duration
}

// Migration says which way groups may move between the protocols (GRP-13).
type Migration uint8

// Upgrade is from classic to consumer.
const (
	Upgrade       Migration = 1
	Downgrade     Migration = 2
	Bidirectional           = Upgrade | Downgrade
	NoMigration   Migration = 0
)

// ParseMigration reads group.consumer.migration.policy.
func ParseMigration(policy string) Migration {
	return map[string]Migration{"upgrade": Upgrade, "downgrade": Downgrade, "bidirectional": Bidirectional}[policy]
}

// Effects are those of this core.
type Effects = coordinator.Effects[Record]

// Machine is the core of one partition. One goroutine owns it.
type Machine struct {
	cfg      Config
	image    *metadata.Image // soft; nil before the first
	loaded   bool
	classic  map[string]*classicGroup
	consumer map[string]*consumerGroup
	offsets  offsets
}

var (
	_ coordinator.Machine[Event, Record] = (*Machine)(nil)
	_ coordinator.Transactional[Record]  = (*Machine)(nil)
)

// New makes a core without any group.
func New(cfg Config) *Machine {
	return &Machine{
		cfg: cfg, image: metadata.Empty(""),
		classic: map[string]*classicGroup{}, consumer: map[string]*consumerGroup{}, offsets: newOffsets(),
	}
}

// decision collects the effects of one event.
type decision struct {
	*Machine
	now    time.Time
	ticket coordinator.Ticket
	out    Effects
	size   int // of the records, at most
}

func (d *decision) write(k Key, v Value) {
	r := Record{Key: k, Value: v}
	r.key, r.value = Encode(r)
	d.size += len(r.key) + len(r.value) + recordOverhead
	d.out.Records = append(d.out.Records, r)
}

// drop takes back everything that was decided so far.
func (d *decision) drop() { d.out, d.size = Effects{}, 0 }

func (d *decision) answer(to coordinator.Ticket, reply any) {
	d.out.Answers = append(d.out.Answers, coordinator.Answer{To: to, Reply: reply})
}

func (d *decision) timer(key coordinator.TimerKey, after time.Duration) {
	d.out.Timers = append(d.out.Timers, coordinator.Timer{Key: key, After: max(after, 1)})
}

func (d *decision) cancel(key coordinator.TimerKey) {
	d.out.Timers = append(d.out.Timers, coordinator.Timer{Key: key})
}

func (d *decision) millis() int64 { return d.now.UnixMilli() }

// Decide is coordinator.Machine's.
func (m *Machine) Decide(now time.Time, t coordinator.Ticket, ev Event) Effects {
	d := &decision{Machine: m, now: now, ticket: t}
	switch ev := ev.(type) {
	case JoinGroup:
		d.join(ev)
	case SyncGroup:
		d.sync(ev)
	case Heartbeat:
		d.heartbeat(ev)
	case LeaveGroup:
		d.leave(ev)
	case ConsumerGroupHeartbeat:
		d.out.Reply = d.consumerHeartbeat(ev)
	case OffsetCommit:
		d.out.Reply = d.commit(ev)
	case OffsetFetch:
		d.out.Reply = d.fetch(ev)
	case OffsetDelete:
		d.out.Reply = d.deleteOffsets(ev)
	case DescribeGroups:
		d.out.Reply = d.describe(ev)
	case DescribeConsumerGroups:
		d.out.Reply = d.describeConsumers(ev)
	case ListGroups:
		d.out.Reply = d.list(ev)
	case DeleteGroups:
		d.out.Reply = d.deleteGroups(ev)
	case Image:
		d.newImage(ev.Image)
	case timeUp:
		d.timeUp(ev.key)
	default:
		panic(fmt.Sprintf("group: no rule for the event %T", ev))
	}
	return d.out
}

// Kinds of timers. Names are groups, members are members.
const (
	timerSession   = "session"   // a member's session; also of one that was only handed an id
	timerJoin      = "join"      // a classic group's join phase
	timerSync      = "sync"      // a classic group's wait for its members' SyncGroup
	timerRebalance = "rebalance" // a KIP-848 member has to let go of partitions
	timerConfirm   = "confirm"   // a classic member of a KIP-848 group has to send SyncGroup
	timerRejoin    = "rejoin"    // ... or JoinGroup
	timerResolve   = "resolve"   // a group's expressions want to be resolved
	timerExpire    = "expire"    // offsets are looked through
)

func (d *decision) timeUp(key coordinator.TimerKey) {
	switch key.Kind {
	case timerSession:
		d.sessionEnded(key.Name, key.Member)
	case timerJoin:
		d.joinPhaseEnded(key.Name)
	case timerSync:
		d.syncPhaseEnded(key.Name)
	case timerRebalance, timerConfirm, timerRejoin:
		d.memberTooSlow(key.Name, key.Member)
	case timerResolve:
		d.resolveExpressions(key.Name)
	case timerExpire:
		d.expireOffsets()
	}
}

// Fired is coordinator.Machine's.
func (m *Machine) Fired(key coordinator.TimerKey) Event { return timeUp{key} }

// Encode is coordinator.Machine's. Records that were decided have been encoded already.
func (m *Machine) Encode(r Record) (key, value []byte) { return r.key, r.value }

// Decode is coordinator.Machine's.
func (m *Machine) Decode(key, value []byte) (Record, bool, error) { return Decode(key, value) }

// Loaded begins the sessions of all members anew: whoever is still there says so.
func (m *Machine) Loaded(now time.Time) Effects {
	d := &decision{Machine: m, now: now}
	m.loaded = true
	for _, id := range sortedKeys(m.classic) {
		d.loadedClassic(m.classic[id])
	}
	for _, id := range sortedKeys(m.consumer) {
		d.loadedConsumer(m.consumer[id])
	}
	d.timer(expireKey, m.cfg.RetentionCheck)
	return d.out
}

// Apply is coordinator.Machine's.
func (m *Machine) Apply(r Record) {
	switch r.Kind {
	case KindOffset:
		m.applyOffset(r)
	case KindClassic:
		m.applyClassic(r)
	default:
		m.applyConsumer(r)
	}
}

// What a batch and a record in it take beside keys and values, at most.
const (
	batchOverhead  = 61
	recordOverhead = 24
)

// tooLarge tells whether the records so far are more than a batch may hold.
func (d *decision) tooLarge() bool { return d.size+batchOverhead > d.cfg.MaxBatchBytes }
