// Package conformance owns what is known about being Apache Kafka: which recorded answers of the original do not hold
// here and why, and the page that says so (docs/compatibility.md). The command in run asks a real broker the recorded
// questions.
package conformance
