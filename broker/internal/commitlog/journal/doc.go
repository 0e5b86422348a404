// Package journal owns the one shared journal of a data directory.
package journal
