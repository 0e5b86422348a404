// Package schemaregistry is a schema registry that clients take for Confluent's: its REST interface, its ids, and its records in
// the _schemas topic of any Kafka (registry.md).
//
//	r, err := schemaregistry.New(schemaregistry.Config{Brokers: []string{"localhost:9092"}, Listener: ":8081"})
//	err = r.Run(ctx)    // blocks; r.Addr() is where it listens
//
// One registry writes a topic: a transactional producer with a fixed id fences older ones, each append names the offset at which
// it expects to land, and a reply is sent when the record has come back from the log (registry.md 9). Registries that only read
// follow the same log.
//
// A Validator holds the records that a broker in the same process takes against the schemas: an id is looked up in what the
// registry has read, and the program compiled from the schema walks over the record.
//
// Typed serdes are in package serde. Not yet: forwarding to a writer on another node, associations.
package schemaregistry
