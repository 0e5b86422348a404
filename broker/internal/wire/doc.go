// Package wire owns frames, headers, the version table and the guard.
package wire
