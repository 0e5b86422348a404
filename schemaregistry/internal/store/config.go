package store

import "slices"

// Levels of compatibility.
var levels = []string{"NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"}

// Modes of a scope.
const (
	ReadWrite        = "READWRITE"
	ReadOnly         = "READONLY"
	ReadOnlyOverride = "READONLY_OVERRIDE"
	Import           = "IMPORT"
	Forward          = "FORWARD"
)

// Config is how a scope is set; members that are not set come from the scope above.
type Config struct {
	Alias              string    `json:"alias,omitempty"`
	Normalize          *bool     `json:"normalize,omitempty"`
	ValidateFields     *bool     `json:"validateFields,omitempty"`
	ValidateRules      *bool     `json:"validateRules,omitempty"`
	ValidateNewSchemas *bool     `json:"validateNewSchemas,omitempty"`
	Level              string    `json:"compatibilityLevel,omitempty"`
	Policy             string    `json:"compatibilityPolicy,omitempty"`
	CompatibilityGroup string    `json:"compatibilityGroup,omitempty"`
	DefaultMetadata    *Metadata `json:"defaultMetadata,omitempty"`
	OverrideMetadata   *Metadata `json:"overrideMetadata,omitempty"`
	DefaultRuleSet     *RuleSet  `json:"defaultRuleSet,omitempty"`
	OverrideRuleSet    *RuleSet  `json:"overrideRuleSet,omitempty"`

	unknown []member
}

var configMembers = map[string]bool{
	"alias": true, "normalize": true, "validateFields": true, "validateRules": true, "validateNewSchemas": true, "compatibilityLevel": true,
	"compatibilityPolicy": true, "compatibilityGroup": true, "defaultMetadata": true, "overrideMetadata": true, "defaultRuleSet": true, "overrideRuleSet": true,
}

// chain are the scopes of a subject, nearest first: itself, its context, all contexts, everything.
func chain(subject string) []string {
	out := []string{}
	if subject != "" {
		out = append(out, subject)
	}
	if ctx, name, ok := splitSubject(subject); ok && name != "" {
		out = append(out, ":"+ctx+":")
	}
	return append(out, ":.__GLOBAL:", "")
}

// Config answers the config of a scope; inherited looks further up, and then all scopes are joined.
func (s *State) Config(subject string, inherited bool) (Config, bool) {
	if !inherited {
		c := s.configs[subject]
		if c == nil {
			return Config{}, false
		}
		return *c, true
	}
	out := Config{}
	for _, at := range chain(subject) {
		if c := s.configs[at]; c != nil {
			out = out.over(*c)
		}
	}
	return out.over(Config{Level: s.level}), true
}

// over fills what is not set from below.
func (c Config) over(below Config) Config {
	first := func(a, b string) string {
		if a != "" {
			return a
		}
		return b
	}
	flag := func(a, b *bool) *bool {
		if a != nil {
			return a
		}
		return b
	}
	c.Level, c.Policy, c.CompatibilityGroup = first(c.Level, below.Level), first(c.Policy, below.Policy), first(c.CompatibilityGroup, below.CompatibilityGroup)
	c.Alias = first(c.Alias, below.Alias)
	c.Normalize, c.ValidateFields = flag(c.Normalize, below.Normalize), flag(c.ValidateFields, below.ValidateFields)
	c.ValidateRules, c.ValidateNewSchemas = flag(c.ValidateRules, below.ValidateRules), flag(c.ValidateNewSchemas, below.ValidateNewSchemas)
	if c.DefaultMetadata == nil {
		c.DefaultMetadata = below.DefaultMetadata
	}
	if c.OverrideMetadata == nil {
		c.OverrideMetadata = below.OverrideMetadata
	}
	if c.DefaultRuleSet == nil {
		c.DefaultRuleSet = below.DefaultRuleSet
	}
	if c.OverrideRuleSet == nil {
		c.OverrideRuleSet = below.OverrideRuleSet
	}
	if c.unknown == nil {
		c.unknown = below.unknown
	}
	return c
}

// SetConfig decides on a change: what is not set stays.
func (s *State) SetConfig(subject string, change Config) ([]Record, error) {
	if change.Level != "" && !slices.Contains(levels, change.Level) {
		return nil, errorf(42203, "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive")
	}
	for _, rules := range []*RuleSet{change.DefaultRuleSet, change.OverrideRuleSet} {
		if err := rules.Check(); err != nil {
			return nil, err
		}
	}
	if err := s.writable(subject); err != nil {
		return nil, err
	}
	if old := s.configs[subject]; old != nil {
		change = change.over(*old)
	} else if change.Level == "" {
		inherited, _ := s.Config(subject, true)
		change.Level = inherited.Level
	}
	return []Record{{scopeRecord(keyConfig, subject), withMembers(marshal(change), change.unknown)}}, nil
}

func scopeRecord(keyType, subject string) []byte {
	k := scopeKey{Type: keyType, Subject: &subject}
	if subject == "" {
		k.Subject = nil
	}
	return marshal(k)
}

// DeleteConfig decides to unset a scope and answers what it was.
func (s *State) DeleteConfig(subject string) (Config, []Record, error) {
	old := s.configs[subject]
	if old == nil && subject != "" {
		return Config{}, nil, errorf(40401, "Subject '%s' not found.", subject)
	}
	if err := s.writable(subject); err != nil {
		return Config{}, nil, err
	}
	was, _ := s.Config(subject, subject == "")
	return was, []Record{{Key: scopeRecord(keyConfig, subject)}}, nil
}

// Mode answers the mode of a scope; inherited looks further up.
func (s *State) Mode(subject string, inherited bool) (string, bool) {
	if !inherited {
		m, ok := s.modes[subject]
		return m, ok
	}
	if s.modes[""] == ReadOnlyOverride {
		return ReadOnlyOverride, true
	}
	for _, at := range chain(subject) {
		if m, ok := s.modes[at]; ok {
			return m, true
		}
	}
	return ReadWrite, true
}

// SetMode decides on a mode. IMPORT wants an empty scope, unless it is forced.
func (s *State) SetMode(subject, mode string, force bool) ([]Record, error) {
	switch mode {
	case ReadWrite, ReadOnly, ReadOnlyOverride, Forward:
	case Import:
		if was, _ := s.Mode(subject, true); !force && was != Import && s.occupied(subject) {
			return nil, errorf(42205, "Cannot import since found existing subjects")
		}
	default:
		return nil, errorf(42204, "Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE, and IMPORT")
	}
	return []Record{{scopeRecord(keyMode, subject), marshal(modeValue{mode})}}, nil
}

// occupied tells whether a scope has versions.
func (s *State) occupied(subject string) bool {
	if subject == "" {
		return len(s.subjects) > 0
	}
	if ctx, name, ok := splitSubject(subject); ok && name == "" {
		for other := range s.subjects {
			if Context(other) == ctx {
				return true
			}
		}
		return false
	}
	return len(s.subjects[subject]) > 0
}

// DeleteMode decides to unset a scope and answers what it was.
func (s *State) DeleteMode(subject string) (string, []Record, error) {
	was, ok := s.modes[subject]
	if !ok && subject != "" {
		return "", nil, errorf(40401, "Subject '%s' not found.", subject)
	}
	if !ok {
		was = ReadWrite
	}
	return was, []Record{{Key: scopeRecord(keyMode, subject)}}, nil
}

// writable refuses changes of what is read-only.
func (s *State) writable(subject string) error {
	if m, _ := s.Mode(subject, true); m == ReadOnly || m == ReadOnlyOverride {
		return errorf(42205, "Subject %s is in read-only mode", subject)
	}
	return nil
}
