// Package metadata owns the metadata log's records, images and deltas.
package metadata
