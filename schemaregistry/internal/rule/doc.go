// Package rule owns what a schema demands of data beyond their structure: domain rules in CEL, and Protovalidate's options in a
// .proto file (registry.md 17.2, level rule; ADR 0024). Pure.
//
// The ways in: Avro, JSON and Proto compile the rules of a schema once; Checker.Check holds a datum, whose structure was
// checked before, against them.
//
// A condition is an expression over message, the datum: true, or the datum is refused. "guard; condition" holds the condition
// only against data for which the guard is true, as Confluent's clients do. The work of an expression is bounded by maxCost.
package rule
