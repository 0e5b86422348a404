// Package commitlog owns partitions on disk.
package commitlog
