package cluster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A scenario is a story: each command is an event; the answer shows the reply and the records, "state" what became of it.
// Records are applied at once, as if the quorum had taken them. See testdata; -rewrite writes the answers anew.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &story{t: t}
		s.reset(Config{})
		datadriven.RunTest(t, path, s.run)
	})
}

type story struct {
	t      *testing.T
	cfg    Config
	m      *Machine
	offset int64
	made   byte // topics so far: the next one's id
	ids    map[metadata.UUID]string
}

func (s *story) reset(cfg Config) {
	cfg.NodeID, cfg.Configs = 1, keys{}
	s.cfg, s.m, s.offset, s.made, s.ids = cfg, New(cfg, metadata.Empty("story")), 0, 0, map[metadata.UUID]string{}
	s.apply(Bootstrap())
}

func (s *story) apply(records []metadata.Record) {
	s.offset++
	for _, r := range records {
		if t, ok := r.(*metadata.TopicRecord); ok {
			s.ids[t.TopicID] = t.Name
		}
		if err := s.m.Apply(r); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *story) submit(ev Event) (Reply, string) {
	fx, err := s.m.Decide(Now{time.Unix(0, 0), s.offset + 1}, ev)
	if err != nil {
		return nil, "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, r := range fx.Records {
		if t, ok := r.(*metadata.TopicRecord); ok {
			s.ids[t.TopicID] = t.Name
		}
		b.WriteString("  " + s.show(r) + "\n")
	}
	if len(fx.Records) > 0 {
		s.apply(fx.Records)
	}
	return fx.Reply, b.String()
}

func (s *story) run(t *testing.T, d *datadriven.TestData) string {
	s.t = t
	switch d.Cmd {
	case "cluster":
		return s.cluster(d)
	case "register":
		return s.register(d)
	case "fence", "unfence", "shutdown":
		return s.change(d)
	case "create":
		return s.create(d)
	case "delete":
		return s.delete(d)
	case "grow":
		return s.grow(d)
	case "alter":
		return s.alter(d)
	case "features":
		return s.features(d)
	case "producer-ids":
		return s.producerIDs(d)
	case "elect":
		return s.elect(d)
	case "alter-partition":
		return s.alterPartition(d)
	case "reassign":
		return s.reassign(d)
	case "unregister":
		var id int32
		d.ScanArgs(t, "id", &id)
		r, records := s.submit(UnregisterBroker{id})
		return result(r.(Result)) + "\n" + records
	case "quotas":
		return s.quotas(d)
	case "scram":
		return s.scram(d)
	case "acls":
		return s.acls(d)
	case "delete-acls":
		return s.deleteACLs(d)
	case "state":
		return s.state()
	}
	d.Fatalf(t, "unknown command %s", d.Cmd)
	return ""
}

// cluster begins anew: "cluster brokers=3 racks=(a,a,b) flush=os".
func (s *story) cluster(d *datadriven.TestData) string {
	var cfg Config
	var brokers int
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "brokers":
			a.Scan(s.t, 0, &brokers)
		case "flush":
			cfg.FlushOS = a.Vals[0] == "os"
		}
	}
	s.reset(cfg)
	for id := range int32(brokers) {
		b := metadata.Broker{ID: id + 1, LogDirs: []metadata.UUID{{byte(id + 1)}}}
		for _, a := range d.CmdArgs {
			if a.Key == "racks" {
				b.Rack = new(a.Vals[id])
			}
		}
		s.submit(RegisterBroker{Broker: b})
	}
	return ""
}

func (s *story) register(d *datadriven.TestData) string {
	ev := RegisterBroker{}
	d.ScanArgs(s.t, "id", &ev.Broker.ID)
	ev.Broker.LogDirs = []metadata.UUID{{byte(ev.Broker.ID)}}
	ev.Broker.Fenced = d.HasArg("fenced")
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "unclean":
			for _, v := range a.Vals {
				ev.Unclean = append(ev.Unclean, s.partition(v))
			}
		case "features":
			ev.Broker.Features = map[string][2]int16{}
			for _, v := range a.Vals {
				name, levels, _ := strings.Cut(v, "=")
				lo, hi, _ := strings.Cut(levels, "-")
				ev.Broker.Features[name] = [2]int16{int16(number(lo)), int16(number(hi))}
			}
		}
	}
	r, records := s.submit(ev)
	reg := r.(RegisteredBroker)
	return fmt.Sprintf("%s epoch=%d\n%s", result(reg.Result), reg.Epoch, records)
}

func (s *story) change(d *datadriven.TestData) string {
	var id int32
	d.ScanArgs(s.t, "id", &id)
	epoch := int64(-1)
	if b := s.m.View().Broker(id); b != nil {
		epoch = b.Epoch
	}
	if d.HasArg("epoch") {
		d.ScanArgs(s.t, "epoch", &epoch)
	}
	ev := map[string]Event{"fence": FenceBroker{id, epoch}, "unfence": UnfenceBroker{id, epoch}, "shutdown": ShutdownBroker{id, epoch}}[d.Cmd]
	r, records := s.submit(ev)
	return result(r.(Result)) + "\n" + records
}

// create takes a topic a line: "orders partitions=3 rf=2 assignment=1,2;2,3 retention.ms=5 x=null".
func (s *story) create(d *datadriven.TestData) string {
	ev := CreateTopics{ValidateOnly: d.HasArg("validate-only")}
	for _, line := range lines(d.Input) {
		s.made++
		t := NewTopic{Name: strings.ReplaceAll(strings.Trim(line[0], `"`), "+", " "), Partitions: 1, ReplicationFactor: 1, ID: metadata.UUID{0: s.made, 15: 0xee}}
		if strings.HasPrefix(t.Name, "x*") {
			t.Name = strings.Repeat("x", int(number(t.Name[2:])))
		}
		for _, f := range line[1:] {
			key, value, _ := strings.Cut(f, "=")
			switch key {
			case "partitions":
				t.Partitions = int32(number(value))
			case "rf":
				t.ReplicationFactor = int16(number(value))
			case "assignment":
				t.Partitions, t.ReplicationFactor, t.Assignment = -1, -1, assignment(value)
			case "assignment-too":
				t.Assignment = assignment(value)
			default:
				t.Configs = append(t.Configs, op(key, value, 0))
			}
		}
		ev.Topics = append(ev.Topics, t)
	}
	r, records := s.submit(ev)
	if r == nil {
		return records
	}
	var b strings.Builder
	for _, t := range r.([]CreatedTopic) {
		name := t.Name
		if len(name) > 50 {
			name = name[:10] + "…"
		}
		fmt.Fprintf(&b, "%q %s", name, result(t.Result))
		if t.OK() {
			fmt.Fprintf(&b, " partitions=%d rf=%d", t.Partitions, t.ReplicationFactor)
		}
		b.WriteString("\n")
	}
	return b.String() + records
}

func (s *story) delete(d *datadriven.TestData) string {
	var ev DeleteTopics
	for _, line := range lines(d.Input) {
		var ref TopicRef
		for _, f := range line {
			key, value, _ := strings.Cut(f, "=")
			switch key {
			case "name":
				ref.Name = value
			case "id":
				ref.ID = s.id(value)
			}
		}
		ev.Topics = append(ev.Topics, ref)
	}
	r, records := s.submit(ev)
	var b strings.Builder
	for _, t := range r.([]DeletedTopic) {
		fmt.Fprintf(&b, "%q %s\n", t.Name, result(t.Result))
	}
	return b.String() + records
}

func (s *story) grow(d *datadriven.TestData) string {
	ev := CreatePartitions{ValidateOnly: d.HasArg("validate-only")}
	for _, line := range lines(d.Input) {
		g := GrowTopic{Name: line[0], Count: int32(number(line[1]))}
		if len(line) > 2 {
			g.Assignment = assignment(line[2])
		}
		ev.Topics = append(ev.Topics, g)
	}
	r, records := s.submit(ev)
	return results(r.([]Result)) + records
}

// alter takes a resource a line: "topic:orders set retention.ms=5 append cleanup.policy=compact delete x".
func (s *story) alter(d *datadriven.TestData) string {
	ev := AlterConfigs{Replace: d.HasArg("replace"), ValidateOnly: d.HasArg("validate-only")}
	types := map[string]metadata.ResourceType{"topic": metadata.TopicResource, "broker": metadata.BrokerResource, "group": metadata.GroupResource,
		"metrics": metadata.ClientMetricsResource, "odd": 77}
	for _, line := range lines(d.Input) {
		kind, name, _ := strings.Cut(line[0], ":")
		r := AlterResource{Resource: metadata.Resource{Type: types[kind], Name: name}}
		for i := 1; i+1 < len(line); i += 2 {
			key, value, _ := strings.Cut(line[i+1], "=")
			code := slices.Index([]string{"set", "delete", "append", "subtract", "odd"}, line[i])
			r.Ops = append(r.Ops, op(key, value, int8(code)))
		}
		ev.Resources = append(ev.Resources, r)
	}
	r, records := s.submit(ev)
	return results(r.([]Result)) + records
}

func (s *story) features(d *datadriven.TestData) string {
	ev := UpdateFeatures{ValidateOnly: d.HasArg("validate-only")}
	for _, line := range lines(d.Input) {
		ev.Updates = append(ev.Updates, FeatureUpdate{line[0], int16(number(line[1])), int8(number(line[2]))})
	}
	r, records := s.submit(ev)
	u := r.(UpdatedFeatures)
	return result(u.Result) + "\n" + results(u.Results) + records
}

func (s *story) producerIDs(d *datadriven.TestData) string {
	var id int32
	d.ScanArgs(s.t, "broker", &id)
	ev := AllocateProducerIDs{BrokerID: id, BrokerEpoch: -1}
	if b := s.m.View().Broker(id); b != nil && !d.HasArg("stale") {
		ev.BrokerEpoch = b.Epoch
	}
	r, records := s.submit(ev)
	p := r.(ProducerIDBlock)
	return fmt.Sprintf("%s [%d, %d)\n%s", result(p.Result), p.First, p.First+int64(p.Count), records)
}

func (s *story) elect(d *datadriven.TestData) string {
	ev := ElectLeaders{Type: electPreferred}
	if d.HasArg("unclean") {
		ev.Type = electUnclean
	} else if d.HasArg("odd") {
		ev.Type = 7
	}
	for _, line := range lines(d.Input) {
		name, index, _ := strings.Cut(line[0], "/")
		ev.Partitions = append(ev.Partitions, ElectPartition{name, int32(number(index))})
	}
	r, records := s.submit(ev)
	var b strings.Builder
	for _, e := range r.([]ElectedLeader) {
		fmt.Fprintf(&b, "%s/%d %s\n", e.Topic, e.Index, result(e.Result))
	}
	return b.String() + records
}

// alterPartition: "alter-partition broker=1", then "orders/0 1,2 [leader-epoch=0] [partition-epoch=0] [evidence=3] [recovering]".
func (s *story) alterPartition(d *datadriven.TestData) string {
	var ev AlterPartition
	d.ScanArgs(s.t, "broker", &ev.BrokerID)
	if ev.BrokerEpoch = s.m.View().Broker(ev.BrokerID).Epoch; d.HasArg("stale") {
		ev.BrokerEpoch--
	}
	for _, line := range lines(d.Input) {
		a := AlterISR{TopicPartition: s.partition(line[0])}
		if p := s.m.View().TopicByID(a.TopicID).Partition(a.Index); p != nil {
			a.LeaderEpoch, a.PartitionEpoch = p.LeaderEpoch, p.PartitionEpoch
		}
		evidence := int64(0)
		for _, f := range line[2:] {
			key, value, _ := strings.Cut(f, "=")
			switch key {
			case "leader-epoch":
				a.LeaderEpoch = int32(number(value))
			case "partition-epoch":
				a.PartitionEpoch = int32(number(value))
			case "evidence":
				evidence = number(value)
			case "recovering":
				a.Recovering = true
			}
		}
		for _, id := range assignment(line[1])[0] {
			m := ISRMember{id, -1}
			if b := s.m.View().Broker(id); b != nil {
				m.Epoch = b.Epoch
			}
			if evidence != 0 {
				m.Epoch = evidence
			}
			a.ISR = append(a.ISR, m)
		}
		ev.Partitions = append(ev.Partitions, a)
	}
	r, records := s.submit(ev)
	reply := r.(AlteredPartitions)
	b := result(reply.Result) + "\n"
	for _, p := range reply.Partitions {
		b += result(p.Result)
		if p.State != nil {
			b += " " + showPartition(p.State)
		}
		b += "\n"
	}
	return b + records
}

// reassign takes a partition a line: "t/0 2,3", "t/0 cancel".
func (s *story) reassign(d *datadriven.TestData) string {
	ev := AlterReassignments{KeepReplicationFactor: d.HasArg("keep-rf")}
	for _, line := range lines(d.Input) {
		name, index, _ := strings.Cut(line[0], "/")
		r := Reassign{Topic: name, Index: int32(number(index))}
		if line[1] != "cancel" {
			r.Replicas = assignment(line[1])[0]
		}
		ev.Partitions = append(ev.Partitions, r)
	}
	r, records := s.submit(ev)
	return results(r.([]Result)) + records
}

// quotas takes an entity a line: "user=u,client-id=null producer_byte_rate=1000 remove=request_percentage"; a name "-" is empty.
func (s *story) quotas(d *datadriven.TestData) string {
	ev := AlterClientQuotas{ValidateOnly: d.HasArg("validate-only")}
	for _, line := range lines(d.Input) {
		var q QuotaChange
		for _, part := range strings.Split(line[0], ",") {
			kind, name, _ := strings.Cut(part, "=")
			switch {
			case kind == "none":
			case name == "null":
				q.Entity = append(q.Entity, metadata.QuotaEntity{Type: kind})
			default:
				q.Entity = append(q.Entity, metadata.QuotaEntity{Type: kind, Name: new(strings.Trim(name, "-"))})
			}
		}
		for _, f := range line[1:] {
			key, value, _ := strings.Cut(f, "=")
			if key == "remove" {
				q.Ops = append(q.Ops, QuotaOp{Key: value, Remove: true})
				continue
			}
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				d.Fatalf(s.t, "%v", err)
			}
			q.Ops = append(q.Ops, QuotaOp{Key: key, Value: v})
		}
		ev.Entries = append(ev.Entries, q)
	}
	r, records := s.submit(ev)
	return results(r.([]Result)) + records
}

// scram takes a change a line: "set alice 1 4096" (mechanism, iterations) or "delete alice 1"; a name "-" is empty.
func (s *story) scram(d *datadriven.TestData) string {
	var ev AlterScramCredentials
	for _, line := range lines(d.Input) {
		u := metadata.ScramUser{Name: strings.Trim(line[1], "-"), Mechanism: int8(number(line[2]))}
		if line[0] == "delete" {
			ev.Deletions = append(ev.Deletions, u)
			continue
		}
		ev.Upsertions = append(ev.Upsertions, metadata.UserScramCredentialRecord{Name: u.Name, Mechanism: u.Mechanism, Iterations: int32(number(line[3]))})
	}
	r, records := s.submit(ev)
	var b strings.Builder
	for _, u := range r.([]ScramResult) {
		fmt.Fprintf(&b, "%q %s\n", u.User, result(u.Result))
	}
	return b.String() + records
}

// acls takes a binding a line: type, name, pattern, principal, host, operation, permission.
func (s *story) acls(d *datadriven.TestData) string {
	var ev CreateACLs
	for _, f := range lines(d.Input) {
		s.made++
		ev.Bindings = append(ev.Bindings, metadata.AccessControlEntryRecord{ID: metadata.UUID{s.made}, ResourceType: int8(number(f[0])),
			ResourceName: strings.Trim(f[1], "-"), PatternType: int8(number(f[2])), Principal: f[3], Host: f[4], Operation: int8(number(f[5])),
			PermissionType: int8(number(f[6]))})
	}
	r, records := s.submit(ev)
	return results(r.([]Result)) + records
}

// deleteACLs takes a filter a line, as acls does; "any" is a null.
func (s *story) deleteACLs(d *datadriven.TestData) string {
	var ev DeleteACLs
	text := func(v string) *string {
		if v == "any" {
			return nil
		}
		return &v
	}
	for _, f := range lines(d.Input) {
		ev.Filters = append(ev.Filters, metadata.ACLFilter{ResourceType: int8(number(f[0])), ResourceName: text(f[1]), PatternType: int8(number(f[2])),
			Principal: text(f[3]), Host: text(f[4]), Operation: int8(number(f[5])), PermissionType: int8(number(f[6]))})
	}
	r, records := s.submit(ev)
	var b strings.Builder
	for _, f := range r.([]DeletedACLs) {
		fmt.Fprintf(&b, "%s", result(f.Result))
		for _, a := range f.Bindings {
			fmt.Fprintf(&b, " [%d:%s %s %d]", a.ResourceType, a.ResourceName, a.Principal, a.Operation)
		}
		b.WriteString("\n")
	}
	return b.String() + records
}

// state is topics, partitions and brokers as they are now.
func (s *story) state() string {
	var b strings.Builder
	for _, r := range s.m.View().Brokers() {
		fmt.Fprintf(&b, "broker %d epoch=%d", r.ID, r.Epoch)
		if r.Fenced {
			b.WriteString(" fenced")
		}
		if r.ShuttingDown {
			b.WriteString(" shutting-down")
		}
		b.WriteString("\n")
	}
	for _, t := range s.m.View().Topics() {
		for i, p := range t.Partitions {
			fmt.Fprintf(&b, "%s/%d %s\n", t.Name, i, showPartition(p))
		}
	}
	for _, r := range s.m.View().ConfigResources() {
		fmt.Fprintf(&b, "config %d:%s %v\n", r.Type, r.Name, s.m.View().Config(r))
	}
	return b.String()
}

func showPartition(p *metadata.Partition) string {
	b := fmt.Sprintf("leader=%d epoch=%d/%d replicas=%v isr=%v", p.Leader, p.LeaderEpoch, p.PartitionEpoch, p.Replicas, p.ISR)
	if len(p.Adding)+len(p.Removing) > 0 {
		b += fmt.Sprintf(" adding=%v removing=%v", p.Adding, p.Removing)
	}
	if len(p.ELR) > 0 {
		b += fmt.Sprintf(" elr=%v", p.ELR)
	}
	if len(p.LastKnownELR) > 0 {
		b += fmt.Sprintf(" last-leader=%v", p.LastKnownELR)
	}
	if p.LeaderRecoveryByte != 0 {
		b += " recovering"
	}
	return b
}

// show is a record in a line, with the name of its topic for the id.
func (s *story) show(r metadata.Record) string {
	switch r := r.(type) {
	case *metadata.TopicRecord:
		return "Topic " + r.Name
	case *metadata.RemoveTopicRecord:
		return "RemoveTopic " + s.ids[r.TopicID]
	case *metadata.ConfigRecord:
		value := "null"
		if r.Value != nil {
			value = strconv.Quote(*r.Value)
		}
		return fmt.Sprintf("Config %d:%s %s=%s", r.ResourceType, r.ResourceName, r.Name, value)
	case *metadata.PartitionRecord:
		return fmt.Sprintf("Partition %s/%d leader=%d replicas=%v isr=%v", s.ids[r.TopicID], r.PartitionID, r.Leader, r.Replicas, r.ISR)
	case *metadata.PartitionChangeRecord:
		b := fmt.Sprintf("PartitionChange %s/%d", s.ids[r.TopicID], r.PartitionID)
		if r.Leader != metadata.NoLeaderChange {
			b += fmt.Sprintf(" leader=%d", r.Leader)
		}
		for _, f := range []struct {
			name string
			list []int32
		}{{"replicas", r.Replicas}, {"adding", r.AddingReplicas}, {"removing", r.RemovingReplicas}, {"isr", r.ISR}, {"elr", r.EligibleLeaderReplicas}, {"last-leader", r.LastKnownELR}} {
			if f.list != nil {
				b += fmt.Sprintf(" %s=%v", f.name, f.list)
			}
		}
		if r.LeaderRecoveryState != metadata.NoRecoveryChange {
			b += fmt.Sprintf(" recovery=%d", r.LeaderRecoveryState)
		}
		return b
	case *metadata.AccessControlEntryRecord:
		return fmt.Sprintf("AccessControlEntry %d:%s pattern=%d %s %s operation=%d permission=%d", r.ResourceType, r.ResourceName, r.PatternType,
			r.Principal, r.Host, r.Operation, r.PermissionType)
	case *metadata.RemoveAccessControlEntryRecord:
		return "RemoveAccessControlEntry"
	case *metadata.UserScramCredentialRecord:
		return fmt.Sprintf("UserScramCredential %s mechanism=%d iterations=%d", r.Name, r.Mechanism, r.Iterations)
	case *metadata.ClientQuotaRecord:
		b := "ClientQuota"
		for _, e := range r.Entity {
			name := "<default>"
			if e.Name != nil {
				name = *e.Name
			}
			b += fmt.Sprintf(" %s=%s", e.Type, name)
		}
		return fmt.Sprintf("%s %s=%v remove=%t", b, r.Key, r.Value, r.Remove)
	case *metadata.RegisterBrokerRecord:
		return fmt.Sprintf("RegisterBroker %d epoch=%d fenced=%t", r.BrokerID, r.BrokerEpoch, r.Fenced)
	}
	return strings.ReplaceAll(fmt.Sprintf("%T%+v", r, r), "*metadata.", "")
}

// keys is a small table of configuration keys.
type keys struct{}

func (keys) Validate(t metadata.ResourceType, _, key, value string) error {
	switch {
	case t == metadata.ClientMetricsResource && key != "interval.ms":
		return say("Unknown client metrics configuration: %s", key)
	case strings.HasPrefix(key, "no.such"):
		return say("Unknown topic config name: %s", key)
	case strings.HasSuffix(key, ".ms"):
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return say("Invalid value %s for configuration %s: Not a number of type LONG", value, key)
		}
	}
	return nil
}

func (keys) ValidateSet(_ metadata.ResourceType, _ string, set map[string]string) error {
	if set["min.compaction.lag.ms"] > set["max.compaction.lag.ms"] {
		return say("conflict topic config setting min.compaction.lag.ms (%s) > max.compaction.lag.ms (%s)",
			set["min.compaction.lag.ms"], set["max.compaction.lag.ms"])
	}
	return nil
}

func (keys) List(_ metadata.ResourceType, key string) bool { return key == "cleanup.policy" }

func (keys) Default(_ metadata.ResourceType, key string) string {
	if key == "cleanup.policy" {
		return "delete"
	}
	return ""
}

func (s *story) id(name string) metadata.UUID {
	for id, n := range s.ids {
		if n == name {
			return id
		}
	}
	return metadata.UUID{0xdd}
}

func (s *story) partition(v string) TopicPartition {
	name, index, _ := strings.Cut(v, "/")
	return TopicPartition{s.id(name), int32(number(index))}
}

func lines(input string) [][]string {
	var out [][]string
	for line := range strings.Lines(input) {
		if f := strings.Fields(line); len(f) > 0 {
			out = append(out, f)
		}
	}
	return out
}

// assignment reads "1,2;2,3"; an empty list is "-".
func assignment(v string) [][]int32 {
	var out [][]int32
	for _, part := range strings.Split(v, ";") {
		ids := []int32{}
		for _, id := range strings.Split(part, ",") {
			if id != "-" {
				ids = append(ids, int32(number(id)))
			}
		}
		out = append(out, ids)
	}
	return out
}

func number(v string) int64 {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func op(key, value string, kind int8) ConfigOp {
	if value == "null" {
		return ConfigOp{Key: key, Op: kind}
	}
	return ConfigOp{key, kind, new(value)}
}

func result(r Result) string {
	name := "ok"
	if !r.OK() {
		name = kerr.TypedErrorForCode(r.Code).Message
	}
	if r.Message == nil {
		return name
	}
	message := *r.Message
	if len(message) > 200 {
		message = message[:40] + " … " + message[len(message)-40:]
	}
	return name + ": " + message
}

func results(list []Result) string {
	var b strings.Builder
	for _, r := range list {
		b.WriteString(result(r) + "\n")
	}
	return b.String()
}
