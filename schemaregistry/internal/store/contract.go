package store

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Metadata describes a schema to people and rules (data contracts). JSON keeps its keys sorted.
type Metadata struct {
	Tags       map[string][]string `json:"tags,omitempty"`
	Properties map[string]string   `json:"properties,omitempty"`
	Sensitive  []string            `json:"sensitive,omitempty"`
}

// RuleSet holds rules that clients run.
type RuleSet struct {
	MigrationRules []Rule `json:"migrationRules,omitempty"`
	DomainRules    []Rule `json:"domainRules,omitempty"`
	EncodingRules  []Rule `json:"encodingRules,omitempty"`
	EnableAt       string `json:"enableAt,omitempty"`
}

// Rule is one of them. An empty kind means TRANSFORM, an empty mode WRITEREAD.
type Rule struct {
	Name      string            `json:"name,omitempty"`
	Doc       string            `json:"doc,omitempty"`
	Kind      string            `json:"kind,omitempty"`
	Mode      string            `json:"mode,omitempty"`
	Type      string            `json:"type,omitempty"`
	Tags      []string          `json:"tags,omitempty"`
	Params    map[string]string `json:"params,omitempty"`
	Expr      string            `json:"expr,omitempty"`
	OnSuccess string            `json:"onSuccess,omitempty"`
	OnFailure string            `json:"onFailure,omitempty"`
	Disabled  bool              `json:"disabled,omitempty"`
}

var ruleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

// Check answers what is wrong with the rules, as 42210 says it.
func (r *RuleSet) Check() error {
	if r == nil {
		return nil
	}
	migration := []string{"UPGRADE", "DOWNGRADE", "UPDOWN"}
	seen := map[string]bool{}
	for group, rules := range map[string][]Rule{"migration": r.MigrationRules, "domain": r.DomainRules, "encoding": r.EncodingRules} {
		for _, rule := range rules {
			mode := rule.mode()
			both := mode == "WRITEREAD" || mode == "UPDOWN"
			switch {
			case !ruleName.MatchString(rule.Name):
				return errorf(42210, "Invalid ruleSet: rule name '%s' has to be 1 to 64 letters, digits, '_' or '-' and begin with a letter or '_'", rule.Name)
			case seen[rule.Name]:
				return errorf(42210, "Invalid ruleSet: found rule with duplicate name '%s'", rule.Name)
			case rule.Type == "":
				return errorf(42210, "Invalid ruleSet: rule '%s' has no type", rule.Name)
			case !both && strings.Contains(rule.OnSuccess+rule.OnFailure, ","):
				return errorf(42210, "Invalid ruleSet: rule '%s' has a pair of actions, which only WRITEREAD and UPDOWN take", rule.Name)
			case (group == "migration") != slices.Contains(migration, mode):
				return errorf(42210, "Invalid ruleSet: rule '%s' of mode %s is no %s rule", rule.Name, mode, group)
			}
			seen[rule.Name] = true
		}
	}
	return nil
}

func (r Rule) mode() string {
	if r.Mode == "" {
		return "WRITEREAD"
	}
	return r.Mode
}

// Error is what a client is told: Confluent's code and message.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

func errorf(code int, format string, args ...any) *Error {
	return &Error{code, fmt.Sprintf(format, args...)}
}
