// Package record owns record batches v2 as bytes.
package record
