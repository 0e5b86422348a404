package txn

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/mainstem-io/mainstem/broker/internal/coordinator"
)

// TestScenarios plays testdata. A producer is written id/epoch, a partition topic-index.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		s := &scenario{world: newWorld(t)}
		datadriven.RunTest(t, path, s.run)
	})
}

type scenario struct {
	*world
	waiting coordinator.Ticket // NextMarkers
}

func (s *scenario) run(t *testing.T, td *datadriven.TestData) string {
	arg := func(key, otherwise string) string {
		if a, ok := td.Arg(key); ok {
			return a.FirstVal(t)
		}
		return otherwise
	}
	number := func(key string, otherwise int64) int64 {
		n, err := strconv.ParseInt(arg(key, strconv.FormatInt(otherwise, 10)), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	who := func(key string) (int64, int16) {
		id, epoch := int64(NoID), int64(-1)
		if text := arg(key, ""); text != "" {
			if _, err := fmt.Sscanf(text, "%d/%d", &id, &epoch); err != nil {
				t.Fatal(err)
			}
		}
		return id, int16(epoch)
	}
	id := arg("id", "x")
	switch td.Cmd {
	case "init":
		expected, epoch := who("as")
		return begun(s.do(InitProducerID{ID: id, Timeout: int32(number("timeout", 60000)), ExpectedID: expected, ExpectedEpoch: epoch, Fresh: number("fresh", NoID)}))
	case "add", "verify":
		pid, epoch := who("as")
		ev := AddPartitions{ID: id, ProducerID: pid, Epoch: epoch, VerifyOnly: td.Cmd == "verify", ClientVersion: int16(number("version", 0))}
		for _, text := range strings.Split(arg("to", "t-0"), "+") {
			topic, index, _ := strings.Cut(text, "-")
			n, _ := strconv.Atoi(index)
			ev.Partitions = append(ev.Partitions, TopicPartition{topic, int32(n)})
		}
		var out []string
		for _, code := range s.do(ev).(Added) {
			out = append(out, codeName(code))
		}
		return strings.Join(out, " ") + "\n"
	case "commit", "abort":
		pid, epoch := who("as")
		return begun(s.do(EndTxn{ID: id, ProducerID: pid, Epoch: epoch, Commit: td.Cmd == "commit", ClientVersion: int16(number("version", 0)), Fresh: number("fresh", NoID)}))
	case "markers":
		if s.waiting == 0 {
			s.waiting = s.ask(NextMarkers{})
		}
		reply, ok := s.replies[s.waiting]
		if !ok {
			return "waits\n"
		}
		s.waiting = 0
		return markersText(reply.([]Markers))
	case "completed":
		pid, epoch := who("as")
		return fmt.Sprintln(s.do(Completed{ID: id, ProducerID: pid, Epoch: epoch}))
	case "pass":
		d, err := time.ParseDuration(td.CmdArgs[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		s.pass(d)
		return dump(s.machine)
	case "reload":
		s.reload()
		s.waiting = 0
		return dump(s.machine)
	case "show":
		s.sameAfterReplay()
		return dump(s.machine)
	case "epoch": // as if the producer had begun often
		v := *s.machine.ids[id]
		v.Epoch = int16(number("at", 0))
		s.carryOut(Effects{Records: []Record{{id, &v}}}, 0)
		return dump(s.machine)
	}
	t.Fatalf("no command %q", td.Cmd)
	return ""
}

func begun(reply any) string {
	switch b := reply.(Begun); {
	case b.Code != 0:
		return codeName(b.Code) + "\n"
	case b.NeedID:
		return "needs a producer id\n"
	default:
		return fmt.Sprintf("%d/%d\n", b.ProducerID, b.Epoch)
	}
}

func codeName(code int16) string {
	if code == 0 {
		return "ok"
	}
	return kerr.ErrorForCode(code).(*kerr.Error).Message
}

func markersText(list []Markers) string {
	var b strings.Builder
	for _, m := range list {
		verb := "abort"
		if m.Commit {
			verb = "commit"
		}
		fmt.Fprintf(&b, "%s: %s %d/%d to %v\n", m.ID, verb, m.ProducerID, m.Epoch, m.Partitions)
	}
	return b.String()
}

func dump(m *Machine) string {
	var b strings.Builder
	for _, id := range sortedKeys(m.ids) {
		v := m.ids[id]
		fmt.Fprintf(&b, "%s: %v %d/%d", id, v.State, v.ProducerID, v.Epoch)
		if v.LastEpoch != -1 {
			fmt.Fprintf(&b, " after epoch %d", v.LastEpoch)
		}
		if v.PreviousID != v.ProducerID {
			fmt.Fprintf(&b, " after id %d", v.PreviousID)
		}
		if v.NextID != NoID {
			fmt.Fprintf(&b, " before id %d", v.NextID)
		}
		if len(v.Partitions) > 0 {
			fmt.Fprintf(&b, " %v", v.Partitions)
		}
		b.WriteByte('\n')
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}
