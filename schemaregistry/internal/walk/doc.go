// Package walk owns what decides, record by record, whether bytes are data of a schema. A schema is compiled once; checking is one
// pass over the bytes that keeps nothing, and for Avro and Protobuf allocates nothing (registry.md 17.4).
//
// The ways in: Avro, Proto and JSON compile; Walker.Check answers nil or a *Fault that says where and why.
//
// Everything here is pure and safe for concurrent use.
//
// Invariants:
//
//   - a walker accepts nothing that the strict decoder of its format refuses: not what ends early, not what goes on behind the datum;
//   - work is bounded by the bytes that came, never by what they claim: depth by maxDepth, elements by the bytes that are left.
package walk
