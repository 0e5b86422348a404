// Package quorum owns etcd raft behind Step and Tick.
package quorum
