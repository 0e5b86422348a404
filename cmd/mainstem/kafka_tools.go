package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mainstem-io/mainstem/internal/errcode"
)

// The commands named as Apache Kafka's own tools, so that runbooks work without a JVM. They follow the tools of Kafka 4
// in flags and in what they print. They deviate in this: --bootstrap-server may be left out where MAINSTEM_BROKERS is
// set, an error has Mainstem's form and exit code, and a regular expression is Go's, without looking ahead or behind.

// kafkaTool is what Kafka's tools have in common.
type kafkaTool struct {
	*app
	servers    []string
	configFile string
	pairs      repeated          // client properties of the command line
	properties map[string]string // all client properties
}

// kafkaCommand makes a tool; instead names for each flag that is not taken what to use in its place.
func (a *app) kafkaCommand(name, short string, instead map[string]string, do func(t *kafkaTool, cmd *cobra.Command) error) (*kafkaTool, *cobra.Command) {
	t := &kafkaTool{app: a}
	cmd := &cobra.Command{Use: name, Aliases: []string{name + ".sh"}, Short: short, Args: cobra.NoArgs, GroupID: "kafka"}
	cmd.Flags().StringSliceVar(&t.servers, "bootstrap-server", nil, "brokers to ask, host:port")
	// Kafka's flags have no variables of their own: MAINSTEM_CONFIG is the server's.
	cmd.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.fromEnvironment(cmd.InheritedFlags()) }
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		e := &errcode.Error{Code: errcode.Usage, What: err.Error(), Next: []string{cmd.CommandPath() + " --help"}}
		for flag, other := range instead {
			if err.Error() == "unknown flag: --"+flag {
				e.What, e.Next = fmt.Sprintf("--%s is not taken by this %s", flag, name), []string{other}
			}
		}
		return e
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := t.configure(); err != nil {
			return err
		}
		return do(t, cmd)
	}
	return t, cmd
}

// arguments are the arguments of the command: a link named as one of Kafka's tools is that tool.
func arguments(args []string) []string {
	name := strings.TrimSuffix(filepath.Base(args[0]), ".sh")
	if strings.HasPrefix(name, "kafka-") {
		return append([]string{name}, args[1:]...)
	}
	return args[1:]
}

// configure reads the client's properties: the command line beats the file, and -X beats both.
func (t *kafkaTool) configure() error {
	t.properties = map[string]string{}
	if t.configFile != "" {
		text, err := os.ReadFile(t.configFile)
		if err != nil {
			return errcode.Wrap(errcode.ConfigFile, err)
		}
		t.properties = javaProperties(string(text))
	}
	given, err := keyValues("property", t.pairs)
	if err != nil {
		return err
	}
	for key, value := range given {
		t.properties[key] = value
	}
	x, err := clientOptionsOf(t.properties)
	if err != nil {
		return err
	}
	t.x = append(x, t.x...)
	if v := t.properties["bootstrap.servers"]; v != "" {
		t.brokers = strings.Split(v, ",")
	}
	if len(t.servers) > 0 {
		t.brokers = t.servers
	}
	return nil
}

var jaasLogin = regexp.MustCompile(`\b(username|password)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;"']+))`)

// clientOptionsOf says a Java client's properties as -X; what cannot be kept is an error, for it is about security.
func clientOptionsOf(properties map[string]string) (x []string, err error) {
	protocol := strings.ToUpper(properties["security.protocol"])
	if !slices.Contains([]string{"", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}, protocol) {
		return nil, errcode.New(errcode.ConfigValue, "security.protocol=%s: one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL", protocol)
	}
	if id := properties["client.id"]; id != "" {
		x = append(x, "client.id="+id)
	}
	if strings.HasPrefix(protocol, "SASL_") {
		mechanism := properties["sasl.mechanism"]
		if mechanism == "" {
			return nil, errcode.New(errcode.AuthMechanism, "sasl.mechanism is not set: this client speaks PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512")
		}
		x = append(x, "sasl.mechanism="+mechanism)
		for _, m := range jaasLogin.FindAllStringSubmatch(properties["sasl.jaas.config"], -1) {
			x = append(x, "sasl."+m[1]+"="+m[2]+m[3]+m[4])
		}
	}
	if !strings.HasSuffix(protocol, "SSL") {
		return x, nil
	}
	for key, value := range properties {
		algorithm := key == "ssl.endpoint.identification.algorithm"
		if strings.HasPrefix(key, "ssl.keystore.") || key == "ssl.truststore.certificates" || algorithm && value == "" {
			return nil, errcode.New(errcode.ConfigRefused, "%s: this client shows no certificate, reads authorities from a file, and always checks the broker's name", key)
		}
	}
	x = append(x, "tls=true")
	if file := properties["ssl.truststore.location"]; file != "" {
		if !strings.EqualFold(properties["ssl.truststore.type"], "PEM") {
			return nil, errcode.New(errcode.ConfigRefused, "ssl.truststore.location=%s: only ssl.truststore.type=PEM can be read here; keytool -exportcert -rfc makes one", file)
		}
		x = append(x, "tls.ca="+file)
	}
	return x, nil
}

var continued = regexp.MustCompile(`\\\r?\n[ \t]*`)

// javaProperties reads key=value lines; a line that ends with a backslash goes on.
func javaProperties(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(continued.ReplaceAllString(text, "")) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		if at := strings.IndexAny(line, "=:"); at > 0 {
			out[strings.TrimSpace(line[:at])] = strings.TrimSpace(line[at+1:])
		}
	}
	return out
}

// repeated is the value of a flag that may be given many times, also under two names.
type repeated []string

func (r *repeated) String() string     { return strings.Join(*r, " ") }
func (r *repeated) Type() string       { return "KEY=VALUE" }
func (r *repeated) Set(s string) error { *r = append(*r, s); return nil }

// keyValues reads the KEY=VALUE values of a flag.
func keyValues(flag string, list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range list {
		key, value, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, errcode.New(errcode.Usage, "--%s %s is not KEY=VALUE", flag, s)
		}
		out[key] = value
	}
	return out, nil
}

// includeList matches whole names as Kafka's tools do: a regular expression in which a comma means or.
func includeList(raw string) (*regexp.Regexp, error) {
	raw = strings.Trim(strings.NewReplacer(",", "|", " ", "").Replace(raw), `"'`)
	re, err := regexp.Compile("^(?:" + raw + ")$")
	if err != nil {
		return nil, errcode.New(errcode.Usage, "%s is an invalid regex.", raw)
	}
	return re, nil
}

// oneAction answers which of the flags was given; it must be exactly one.
func oneAction(cmd *cobra.Command, flags ...string) (string, error) {
	var given []string
	for _, f := range flags {
		if on, _ := cmd.Flags().GetBool(f); on {
			given = append(given, f)
		}
	}
	if len(given) != 1 {
		return "", errcode.New(errcode.Usage, "Command must include exactly one action: --%s", strings.Join(flags, ", --"))
	}
	return given[0], nil
}
