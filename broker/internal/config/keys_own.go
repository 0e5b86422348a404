package config

import "github.com/mainstem-io/mainstem/internal/configkey"

// ownKeys are no keys of Apache Kafka.
var ownKeys = []configkey.Key{
	{Name: "flush.policy", Default: "journal", OneOf: []string{"journal", "os"}, Change: configkey.Cluster, Ours: true, Doc: "When an append counts as durable: journal means fsynced before the acknowledgement, os means in the page cache as in Apache Kafka."},
	{Name: "journal.engine", Default: "ring", OneOf: []string{"ring", "tidwall"}, Ours: true, Doc: "The journal's engine: ring (recycled, zero-filled files) or tidwall."},
	{Name: "journal.dir", Null: true, Ours: true, Doc: "Where the journal lies; journal/ in each log directory when unset. A second device saves writing twice to one."},
	{Name: "journal.io", Default: "direct", OneOf: []string{"direct", "dsync"}, Ours: true, Doc: "How the journal writes: direct (O_DIRECT, O_DSYNC) or dsync (buffered, then fdatasync)."},
	{Name: "journal.file.bytes", Type: configkey.Long, Default: "268435456", Min: "1048576", Max: "1073741824", Ours: true, Doc: "Size of each of the four files of a ring journal."},
	{Name: "journal.damage.accept", Type: configkey.Bool, Default: "false", Ours: true, Doc: "Start on a damaged journal, for one start: what lies behind the damage is given up."},
	{Name: "mainstem.admin.listener", Default: "127.0.0.1:9644", Ours: true, Doc: "Address of metrics, probes, profiles and log levels; empty turns it off."},
	{Name: "mainstem.console.listener", Default: "127.0.0.1:8080", Ours: true, Doc: "Address of the console and its API."},
	{Name: "mainstem.registry.listener", Default: ":8081", Ours: true, Doc: "Address of the schema registry."},
	{Name: "mainstem.registry.security.file", Null: true, Ours: true, Doc: "YAML file with the schema registry's TLS, users, tokens and rules; unset lets everybody in."},
	{Name: "mainstem.schema.registry.url", Null: true, Ours: true, Doc: "A foreign registry that feeds validation on produce."},
	{Name: "mainstem.sql.listener", Default: ":8088", Ours: true, Doc: "Address of the SQL service."},
	{Name: "mainstem.shutdown.timeout.ms", Type: configkey.Long, Default: "30000", Ours: true, Doc: "Time for a clean stop; after it the process ends as if killed, which loses nothing that was acknowledged."},
	{Name: "mainstem.topology.store.enable", Type: configkey.Bool, Default: "true", Change: configkey.Cluster, Ours: true, Doc: "Keep the topology descriptions of streams groups."},
	{Name: "mainstem.preauth.max.bytes", Type: configkey.Long, Default: "67108864", Min: "524288", Ours: true, Doc: "Bytes of requests in flight over all connections that have not authenticated yet."},
}
