package config

import (
	"strconv"

	"github.com/mainstem-io/mainstem/internal/configkey"
)

// Source says which layer a value came from, with the numbers of DescribeConfigs.
type Source int8

const (
	FromTopic          Source = 1
	FromBroker         Source = 2
	FromClusterDefault Source = 3
	FromStatic         Source = 4
	FromDefault        Source = 5
	FromClientMetrics  Source = 7
	FromGroup          Source = 8
)

// Broker is the layers below a topic: what this process was started with, under the dynamic values of the
// cluster and of this broker. It never changes; a new image makes a new one.
type Broker struct {
	Static  *Static
	Cluster map[string]string // dynamic default, resource "" of the image
	Own     map[string]string // dynamic, this broker's resource of the image
}

// layer is one place a broker key may have a value.
type layer struct {
	source Source
	value  string
}

// layers lists the values of a broker key, nearest first, its default last.
func (b *Broker) layers(name string) []layer {
	var out []layer
	if v, ok := b.Own[name]; ok {
		out = append(out, layer{FromBroker, v})
	}
	if v, ok := b.Cluster[name]; ok {
		out = append(out, layer{FromClusterDefault, v})
	}
	if v, set := b.Static.Lookup(name); set {
		out = append(out, layer{FromStatic, v})
	}
	if k, ok := lookupServerKey(name); ok && !k.Null {
		out = append(out, layer{FromDefault, k.Default})
	}
	return out
}

// Value is the value of a broker key in force, and whether there is one.
func (b *Broker) Value(name string) (string, bool) {
	if l := b.layers(name); len(l) > 0 {
		return l[0].value, true
	}
	return "", false
}

// Int is a number in force.
func (b *Broker) Int(name string) int64 {
	v, _ := b.Value(name)
	return parseInt(v)
}

// Float is a number with a fraction in force.
func (b *Broker) Float(name string) float64 {
	v, _ := b.Value(name)
	f, _ := strconv.ParseFloat(v, 64) // checked when it was set
	return f
}

// Bool is a switch in force.
func (b *Broker) Bool(name string) bool {
	v, _ := b.Value(name)
	return v == "true" || v == "TRUE" || v == "True"
}

// resolve is the value of a topic or group key that is not set on its resource.
func (b *Broker) resolve(k configkey.Key) (string, Source) {
	for _, f := range fallbacks(k) {
		if l := b.layers(f.key); len(l) > 0 && l[0].source != FromDefault { // a coarser unit that is set wins over a default
			return scaled(l[0].value, f.factor), l[0].source
		}
	}
	for _, f := range fallbacks(k) {
		if d, ok := lookupServerKey(f.key); ok && !d.Null {
			return scaled(d.Default, f.factor), FromDefault
		}
	}
	return k.Default, FromDefault
}

func scaled(value string, factor int64) string {
	if factor == 1 {
		return value
	}
	if v := parseInt(value); v >= 0 {
		return strconv.FormatInt(v*factor, 10)
	}
	return value // -1: no limit in any unit
}
