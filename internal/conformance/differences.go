package conformance

import "regexp"

// Difference is a set of probes whose recorded answer Mainstem does not give, with the reason.
type Difference struct {
	Probes *regexp.Regexp // names of probes, see ../shared/conformance/broker
	Reason string
	Later  bool // the APIs are not served yet: the probes are left out, and counted as skipped
}

// Differences are all of them. A probe that no row names must pass.
var Differences = []Difference{
	{regexp.MustCompile(`^(sharegroup|streamsgroup)/|^findcoordinator/share`), "the newer group protocols are not served yet", true},
	{regexp.MustCompile(`^apiversions/(table|features)`),
		"the APIs named above are not listed until they are served; `share.version` and `streams.version` are absent while share and streams groups are", false},
}

// Find answers the difference that names a probe, or nil.
func Find(probe string) *Difference {
	for i := range Differences {
		if Differences[i].Probes.MatchString(probe) {
			return &Differences[i]
		}
	}
	return nil
}
