// Package api answers Kafka requests: one file per API, named after it, each opening with the versions it serves, the
// KIPs behind them and where it differs from Apache Kafka.
//
// A file validates its request, calls one of the rooms below, and fills the response; errors become Kafka codes in
// one place (errors.go). The way in is Server.Handle, which network calls with the requests of a connection in order.
// What waits (acks=all, a long poll) answers later from another goroutine; everything else answers before Handle
// returns.
//
// It never touches a file or a socket, keeps no state but fetch sessions and the producer ids at hand, and one API's
// file never calls another's.
package api
