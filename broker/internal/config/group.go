package config

import "time"

// Group is the configuration of a KIP-848 consumer group, typed.
type Group struct {
	SessionTimeout     time.Duration
	HeartbeatInterval  time.Duration
	AssignmentInterval time.Duration
}

// Group resolves the configuration of a group with the given overrides.
func (b *Broker) Group(overrides map[string]string) Group {
	ms := func(name string) time.Duration {
		v, ok := overrides[name]
		if !ok {
			k, _ := GroupKeys.Lookup(name)
			v, _ = b.resolve(k)
		}
		return milliseconds(parseInt(v))
	}
	return Group{
		SessionTimeout: ms("consumer.session.timeout.ms"), HeartbeatInterval: ms("consumer.heartbeat.interval.ms"),
		AssignmentInterval: ms("consumer.assignment.interval.ms"),
	}
}
