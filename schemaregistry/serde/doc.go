// Package serde turns Go values into keys and values that name their schema, and back (registry.md 16).
//
//	reg := serde.NewRegistry(client)                                     // an *sr.Client
//	orders, err := serde.Avro[Order](reg, serde.Value("orders"))         // the schema comes from Order's fields and tags
//	rec, err := orders.Record(ctx, key, Order{ID: "7"})                  // a *kgo.Record for the producer
//	order, meta, err := orders.Decode(ctx, fetched)                      // of whatever schema it was written with
//	for order, err := range serde.Each(ctx, fetches, orders) { ... }
//
// Avro, JSON and Proto have the same shape. A value is written under the schema of its type, which must be registered
// (AutoRegister registers it; it is off, since a program that registers what it happens to have is how production breaks), under
// the latest one of the subject (UseLatest), or under one by id (UseID). A reader takes the schema that the data name and
// resolves it to the reader's type: fields that the writer did not have get their defaults.
//
// Any registry that speaks Confluent's interface will do. One in the same process is asked without a socket by a client whose
// transport is the registry's: sr.HTTPClient(&http.Client{Transport: registry.Transport()}).
//
// Invariants:
//
//   - what a Decode accepts is data of its schema from the first byte to the last;
//   - an id means the same for ever and is asked for once, however many ask at once; a latest version is believed for a while;
//     that something is not there is believed for a second;
//   - a Serde and a Registry are safe for concurrent use.
package serde
