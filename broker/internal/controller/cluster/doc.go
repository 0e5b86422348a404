// Package cluster owns the pure core of the cluster.
package cluster
