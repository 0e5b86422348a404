package wire

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// kafkaRanges is what the ApiVersions answer of Apache Kafka 4.3.1 says, one API a line, named as kmsg names it.
//
//go:embed testdata/api_versions_4.3.1.txt
var kafkaRanges string

func TestServedRangesAreThoseOfKafka(t *testing.T) {
	says := map[string]string{}
	for line := range strings.Lines(kafkaRanges) {
		name, versions, _ := strings.Cut(strings.TrimSpace(line), " ")
		says[name] = versions
	}
	for _, a := range Served.APIs() {
		name := kmsg.NameForKey(a.Key)
		got := fmt.Sprintf("%d-%d", a.AdvertisedMin, a.Max)
		switch {
		case a.Key == 71 || a.Key == 72: // Kafka says them only with a receiver of telemetry
		case a.Key == 80 || a.Key == 81: // the answer was recorded without them
		case says[name] != got:
			t.Errorf("%s: we say %s, Kafka %s", a.Name, got, says[name])
		}
		delete(says, name)
	}
	for name := range says {
		t.Errorf("%s is missing", name)
	}
}

func TestServedAgreesWithTheDefinitionsAndWithKmsg(t *testing.T) {
	for _, a := range Served.APIs() {
		s := requestShapes[a.Key]
		if a.Name != s.name || a.FirstFlexible != s.flexible {
			t.Errorf("key %d is %s, flexible from %d; the definitions say %s and %d", a.Key, a.Name, a.FirstFlexible, s.name, s.flexible)
		}
		if a.Min != s.min || a.Max != s.max {
			t.Errorf("%s is served %d-%d, defined %d-%d", a.Name, a.Min, a.Max, s.min, s.max)
		}
		if a.AdvertisedMin != a.Min && a.Key != 0 {
			t.Errorf("%s lies about its minimum", a.Name)
		}
		if m := kmsg.RequestForKey(a.Key); m == nil || m.MaxVersion() < a.Max {
			t.Errorf("kmsg does not know %s up to %d", a.Name, a.Max)
		}
	}
}

func TestOnlyKeepsWhatIsHandled(t *testing.T) {
	table := Served.Only(func(key int16) bool { return key == 3 || key == 52 })
	if got := table.APIs(); len(got) != 1 || got[0].Name != "Metadata" {
		t.Errorf("got %v", got)
	}
	for _, c := range []struct {
		key, version int16
		want         bool
	}{{3, 0, true}, {3, 13, true}, {3, 14, false}, {3, -1, false}, {0, 9, false}, {52, 0, false}, {-1, 0, false}, {95, 0, false}} {
		if got := table.Supported(c.key, c.version); got != c.want {
			t.Errorf("key %d version %d: %t", c.key, c.version, got)
		}
	}
	if (Table{}).Supported(3, 0) {
		t.Error("an empty table serves something")
	}
}
