package rule

import (
	"errors"
	"fmt"
	"strings"

	"buf.build/go/protovalidate/cel"
	celgo "cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
)

// Rule is a condition in CEL.
type Rule struct {
	Name, Doc, Expr string
}

// Checker holds data against the rules of one schema. Safe for concurrent use.
type Checker interface {
	// Check answers nil, or which rule says what. Data are of the schema: that was checked before.
	Check(data []byte) error
}

// maxCost bounds the work of one expression on one datum, in CEL's units: about a step each.
const maxCost = 1_000_000

// conditions are compiled rules over message.
type conditions []condition

type condition struct {
	Rule
	guard, holds celgo.Program // guard may be nil
}

// compile reads the rules; opts say what message is.
func compile(rules []Rule, opts ...celgo.EnvOption) (conditions, error) {
	if len(rules) == 0 {
		return nil, nil
	}
	// Protovalidate's library has the functions that Confluent's clients know too: isEmail, isUuid, isIp and so on.
	env, err := celgo.NewEnv(append([]celgo.EnvOption{celgo.Lib(cel.NewLibrary()), ext.Strings()}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("prepare CEL: %w", err)
	}
	var out conditions
	for _, r := range rules {
		c := condition{Rule: r}
		text := r.Expr
		if guard, rest, both := strings.Cut(text, ";"); both {
			text = rest
			if c.guard, err = program(env, guard); err != nil {
				return nil, fmt.Errorf("rule %s: its guard: %w", r.Name, err)
			}
		}
		if c.holds, err = program(env, text); err != nil {
			return nil, fmt.Errorf("rule %s: %w", r.Name, err)
		}
		out = append(out, c)
	}
	return out, nil
}

func program(env *celgo.Env, text string) (celgo.Program, error) {
	tree, issues := env.Compile(strings.TrimSpace(text))
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	return env.Program(tree, celgo.CostLimit(maxCost))
}

// check holds a datum against every rule.
func (c conditions) check(message any) error {
	vars := map[string]any{"message": message}
	for _, rule := range c {
		if rule.guard != nil {
			applies, err := truth(rule.guard, vars)
			if err != nil {
				return fmt.Errorf("the guard of rule %s: %w", rule.Name, err)
			}
			if !applies {
				continue
			}
		}
		holds, err := truth(rule.holds, vars)
		switch {
		case err != nil:
			return fmt.Errorf("rule %s: %w", rule.Name, err)
		case !holds && rule.Doc != "":
			return fmt.Errorf("rule %s does not hold: %s", rule.Name, rule.Doc)
		case !holds:
			return fmt.Errorf("rule %s does not hold: %s", rule.Name, rule.Expr)
		}
	}
	return nil
}

var errNoTruth = errors.New("its value is neither true nor false")

func truth(p celgo.Program, vars map[string]any) (bool, error) {
	v, _, err := p.Eval(vars)
	if err != nil {
		return false, err
	}
	b, ok := v.Value().(bool)
	if !ok {
		return false, errNoTruth
	}
	return b, nil
}
