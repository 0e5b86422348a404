// Package settings owns where configuration values come from: a file (Kafka's server.properties or YAML), the
// environment, and flags, nearest last. It knows no key's meaning: the broker's table does.
package settings

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/mainstem-io/mainstem/broker"
)

// Set is configuration values by key, each with its origin.
type Set map[string]broker.Value

// put sets a value; later calls win.
func (s Set) put(key, text, origin string) { s[key] = broker.Value{Text: text, Origin: origin} }

// File adds the values of a file. YAML is told by its ending, .yaml or .yml; everything else is key=value lines.
func (s Set) File(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	if strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, ".yml") {
		return s.yaml(path, text)
	}
	return s.properties(path, string(text))
}

// properties reads Java's format as far as Kafka's files use it: comments with # and !, = or : between key and value,
// a backslash at the end of a line joins the next one.
func (s Set) properties(path, text string) error {
	sc := bufio.NewScanner(strings.NewReader(text))
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		line, first := strings.TrimSpace(sc.Text()), n
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		for strings.HasSuffix(line, `\`) && sc.Scan() {
			line = strings.TrimSuffix(line, `\`) + strings.TrimSpace(sc.Text())
			n++
		}
		at := strings.IndexAny(line, "=:")
		if at <= 0 {
			return fmt.Errorf("%s:%d: %q is not key=value", path, first, line)
		}
		s.put(strings.TrimSpace(line[:at]), unescape(strings.TrimSpace(line[at+1:])), fmt.Sprintf("%s:%d", path, first))
	}
	return sc.Err()
}

// unescape takes the backslashes out of a value: \: and \= and \\ as Java writes them.
func unescape(v string) string {
	if !strings.Contains(v, `\`) {
		return v
	}
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' && i+1 < len(v) {
			i++
		}
		b.WriteByte(v[i])
	}
	return b.String()
}

// yaml reads nested or dotted keys; a list becomes comma separated.
func (s Set) yaml(path string, text []byte) error {
	var doc map[string]any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("%s: %s", path, yaml.FormatError(err, false, true))
	}
	return s.flatten(path, "", doc)
}

func (s Set) flatten(path, prefix string, node map[string]any) error {
	for key, value := range node {
		name := prefix + key
		switch v := value.(type) {
		case map[string]any:
			if err := s.flatten(path, name+".", v); err != nil {
				return err
			}
		case []any:
			parts := make([]string, len(v))
			for i := range v {
				parts[i] = fmt.Sprint(v[i])
			}
			s.put(name, strings.Join(parts, ","), path)
		case nil:
			s.put(name, "", path)
		default:
			s.put(name, fmt.Sprint(v), path)
		}
	}
	return nil
}

// Environment adds MAINSTEM_LOG_RETENTION_MS and the like: every broker key has such a variable.
func (s Set) Environment(environ []string) {
	names := map[string]string{}
	for _, k := range broker.Keys() {
		if k.Scope == "broker" {
			names["MAINSTEM_"+strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(k.Name))] = k.Name
		}
	}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if key, ok := names[name]; ok {
			s.put(key, value, "environment "+name)
		}
	}
}

// Flag adds --set KEY=VALUE.
func (s Set) Flag(pair string) error {
	key, value, ok := strings.Cut(pair, "=")
	if !ok || key == "" {
		return fmt.Errorf("--set %s is not KEY=VALUE", pair)
	}
	s.put(strings.TrimSpace(key), value, "--set")
	return nil
}

// Put adds a value that a flag of its own gave.
func (s Set) Put(key, value, flag string) { s.put(key, value, flag) }
