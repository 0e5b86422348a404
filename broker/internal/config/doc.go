// Package config owns the tables of the broker's configuration keys and what their values mean.
//
// The tables (keys_*.go) hold Apache Kafka 4.3.1's names, types, defaults and ranges, our own keys, and what is
// ignored or refused and why. Four things are built from them: the loader (Load), the typed view of a topic (Topic),
// DescribeConfigs (Describe...), and the pages that people read.
//
// A value is looked for nearest first: topic, this broker (dynamic), the cluster's default (dynamic), the file or
// flag this process was started with (static), the default. Broker holds the lower four layers and never changes:
// a new image makes a new one.
//
// It never reads a file and never stores a value.
package config
