// Package network owns sockets, frames in and out, in order.
package network
