package broker

import (
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/mainstem-io/mainstem/broker/internal/api"
	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/vfs"
)

// Value is a configured value and where it came from, for error texts: "flag --set", "server.properties:12".
type Value struct {
	Text   string
	Origin string
}

// Config is what a broker needs. The zero value is a broker on port 9092 with its data in ./data.
type Config struct {
	// Values are configuration keys by Kafka's names (docs/reference/configuration.md). Unset keys have their defaults.
	Values map[string]Value
	// Logger gets what people should know; default: nothing is logged.
	Logger *slog.Logger
	// Now is the wall clock; default time.Now.
	Now func() time.Time
	// Listen opens the listener of one entry of `listeners`; default net.Listen over TCP.
	Listen func(name, address string) (net.Listener, error)

	// Validator holds records against schemas on topics that demand it; default nil: such topics take no records.
	Validator Validator

	// Version is shown to people; default "dev".
	Version string

	// disk is where data lies; default the operating system's files. Package brokertest sets it.
	disk vfs.FS
}

// Validator says whether keys and values are what a schema wants them to be. schemaregistry.Validator is one; the broker knows no
// registry.
type Validator = api.Validator

// Fault is one thing that is wrong with a configuration: errors.As finds the first, errors.Join's Unwrap all.
type Fault = config.Fault

// Validate answers every fault of the configuration at once, joined, each a *Fault. It opens nothing.
func (c Config) Validate() error {
	_, _, err := c.load()
	return err
}

// load checks the values and the listeners.
func (c Config) load() (*config.Static, []listener, error) {
	values := make(map[string]config.Value, len(c.Values))
	for name, v := range c.Values {
		values[name] = config.Value(v)
	}
	static, err := config.Load(values)
	if err != nil {
		return nil, nil, err
	}
	listeners, err := parseListeners(static)
	if err != nil {
		return nil, nil, err
	}
	return static, listeners, nil
}

// dirs are the log directories, log.dirs before log.dir.
func dirs(s *config.Static) []string {
	if list := s.Strings("log.dirs"); len(list) > 0 {
		return list
	}
	return s.Strings("log.dir")
}

func fault(s *config.Static, key, format string, args ...any) error {
	v := s.Set()[key]
	return &config.Fault{Key: key, Value: v.Text, Origin: v.Origin, Reason: fmt.Sprintf(format, args...)}
}

// OnDisk puts the data on another disk than the operating system's. It is for package brokertest: nobody else can name
// the type.
func (c Config) OnDisk(disk vfs.FS) Config {
	c.disk = disk
	return c
}
