package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mainstem-io/mainstem/internal/configkey"
)

// CheckTopic says what is wrong with a value of a topic key, in the words of Kafka's tools, or nil.
func CheckTopic(key, value string) error {
	k, ok := TopicKeys.Lookup(key)
	if !ok {
		return fmt.Errorf("Unknown topic config name: %s", key)
	}
	if key == "remote.storage.enable" && strings.EqualFold(value, "true") {
		return fmt.Errorf("remote.storage.enable cannot be true: this broker has no tiered storage")
	}
	return invalidValue(k, value)
}

// CheckTopicSet checks what no key of a topic shows alone.
func CheckTopicSet(set map[string]string) error {
	low, high := number(TopicKeys, set, "min.compaction.lag.ms"), number(TopicKeys, set, "max.compaction.lag.ms")
	if low > high {
		return fmt.Errorf("conflict topic config setting min.compaction.lag.ms (%d) > max.compaction.lag.ms (%d)", low, high)
	}
	return nil
}

// CheckGroup says what is wrong with a value of a group key; the broker's own keys bound it.
func (b *Broker) CheckGroup(key, value string) error {
	k, ok := GroupKeys.Lookup(key)
	if !ok {
		return fmt.Errorf("Unknown group config name: %s", key)
	}
	if err := invalidValue(k, value); err != nil {
		return err
	}
	if key == "share.auto.offset.reset" && value != "latest" && value != "earliest" && !strings.HasPrefix(value, "by_duration:P") {
		return fmt.Errorf("Invalid value %s for configuration %s: must be earliest, latest or by_duration:PnDTnHnMn.nS", value, key)
	}
	kind, rest, _ := strings.Cut(key, ".")
	for _, bound := range []string{"min", "max"} {
		name := "group." + kind + "." + bound + "." + rest
		if kind == "share" && (rest == "delivery.count.limit" || rest == "record.lock.duration.ms") {
			name = "group.share." + bound + "." + rest
		}
		if _, known := BrokerKeys.Lookup(name); !known {
			continue
		}
		limit, v := b.Int(name), parseInt(value)
		switch {
		case bound == "min" && v < limit:
			return fmt.Errorf("%s must be greater than or equal to %s", key, name)
		case bound == "max" && v > limit:
			return fmt.Errorf("%s must be less than or equal to %s", key, name)
		}
	}
	return nil
}

// CheckMetrics says what is wrong with a value of a client-metrics key.
func CheckMetrics(key, value string) error {
	k, ok := MetricsKeys.Lookup(key)
	if !ok {
		return fmt.Errorf("Unknown client metrics configuration: %s", key)
	}
	return invalidValue(k, value)
}

// CheckDynamic says why a broker key cannot be changed while the broker runs, or nil. perBroker is false for the
// cluster's default.
func CheckDynamic(key, value string, perBroker bool) error {
	k, ok := lookupServerKey(key)
	switch {
	case !ok:
		return fmt.Errorf("Unknown broker config name: %s", key)
	case k.Change == configkey.Restart:
		return fmt.Errorf("Cannot update these configs dynamically: %s", key)
	case k.Change == configkey.Broker && !perBroker:
		return fmt.Errorf("Cannot update these configs at default cluster level, broker id must be specified: %s", key)
	case k.Status == configkey.Refused:
		return fmt.Errorf("%s is refused: %s", key, k.Reason)
	}
	return invalidValue(k, value)
}

// invalidValue is Key.Check in Kafka's words.
func invalidValue(k configkey.Key, value string) error {
	if k.Check(value) == nil {
		return nil
	}
	reason := "must be " + k.Range()
	_, notNumber := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	_, notFloat := strconv.ParseFloat(strings.TrimSpace(value), 64)
	switch {
	case k.Type == configkey.Bool:
		reason = "Expected value to be either true or false"
	case k.Type == configkey.Double && notFloat != nil, (k.Type == configkey.Int || k.Type == configkey.Long || k.Type == configkey.Short) && notNumber != nil:
		reason = "Not a number of type " + k.Type.String()
	case len(k.OneOf) > 0 && k.Min == "":
		reason = "String must be one of: " + strings.Join(k.OneOf, ", ")
	case k.Max == "":
		reason = "Value must be at least " + k.Min
	}
	return fmt.Errorf("Invalid value %s for configuration %s: %s", value, k.Name, reason)
}

// number is a number of a set, or its default.
func number(t *configkey.Table, set map[string]string, name string) int64 {
	if v, ok := set[name]; ok {
		return parseInt(v)
	}
	k, _ := t.Lookup(name)
	return parseInt(k.Default)
}
