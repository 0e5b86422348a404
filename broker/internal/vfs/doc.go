// Package vfs owns every file operation of the broker.
package vfs
