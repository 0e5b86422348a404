package broker

import (
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/mainstem-io/mainstem/broker/internal/config"
	"github.com/mainstem-io/mainstem/broker/internal/metadata"
)

// listener is one entry of listeners with what clients are told.
type listener struct {
	name       string
	address    string // host:port to bind
	advertised struct {
		host string // verbatim, never resolved (WIRE-11)
		port string // "0": the port that was bound
	}
}

// protocols are the security protocols with their numbers in metadata.
var protocols = map[string]int16{"PLAINTEXT": 0, "SSL": 1, "SASL_PLAINTEXT": 2, "SASL_SSL": 3}

// parseListeners reads listeners, advertised.listeners and the protocol map. Listeners of the controller are left out:
// one node has no use for them.
func parseListeners(s *config.Static) ([]listener, error) {
	advertised := map[string]string{}
	for _, entry := range s.Strings("advertised.listeners") {
		name, address, err := splitListener(s, "advertised.listeners", entry)
		if err != nil {
			return nil, err
		}
		advertised[name] = address
	}
	var out []listener
	for _, entry := range s.Strings("listeners") {
		name, address, err := splitListener(s, "listeners", entry)
		if err != nil {
			return nil, err
		}
		if slices.Contains(s.Strings("controller.listener.names"), name) {
			continue
		}
		l := listener{name: name, address: address}
		tell := address
		if a, ok := advertised[name]; ok {
			tell = a
		}
		l.advertised.host, l.advertised.port, _ = net.SplitHostPort(tell)
		if h := l.advertised.host; h == "" || h == "0.0.0.0" || h == "::" {
			l.advertised.host = hostname()
		}
		if err := checkProtocol(s, name); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		return nil, fault(s, "listeners", "no listener for clients is left")
	}
	return out, nil
}

func splitListener(s *config.Static, key, entry string) (name, address string, err error) {
	name, address, ok := strings.Cut(entry, "://")
	if !ok || name == "" {
		return "", "", fault(s, key, "%q is not NAME://host:port", entry)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", "", fault(s, key, "%q: %v", entry, err)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", "", fault(s, key, "%q: port must be 0 to 65535", entry)
	}
	return name, address, nil
}

// protocolOf is the security protocol of a listener name.
func protocolOf(s *config.Static, name string) string {
	for _, pair := range strings.Split(s.String("listener.security.protocol.map"), ",") {
		if n, p, ok := strings.Cut(strings.TrimSpace(pair), ":"); ok && n == name {
			return p
		}
	}
	return ""
}

func checkProtocol(s *config.Static, name string) error {
	switch p := protocolOf(s, name); p {
	case "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL":
		return nil
	case "":
		return fault(s, "listeners", "listener %s has no security protocol in listener.security.protocol.map", name)
	default:
		return fault(s, "listener.security.protocol.map", "%s is no security protocol", p)
	}
}

func hostname() string {
	if h, err := os.Hostname(); err == nil && h != "" {
		return h
	}
	return "localhost"
}

// endpoints are the advertised listeners, with the ports that were bound where 0 was asked for.
func endpoints(s *config.Static, listeners []listener, bound []net.Listener) []metadata.Endpoint {
	var out []metadata.Endpoint
	for i, l := range listeners {
		port := l.advertised.port
		if tcp, ok := bound[i].Addr().(*net.TCPAddr); ok && port == "0" {
			port = strconv.Itoa(tcp.Port)
		}
		n, _ := strconv.ParseUint(port, 10, 16)
		out = append(out, metadata.Endpoint{Listener: l.name, Host: l.advertised.host, Port: uint16(n), SecurityProtocol: protocols[protocolOf(s, l.name)]})
	}
	return out
}
