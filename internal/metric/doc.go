// Package metric owns the shapes of measurements: counters, histograms, and samples that a scrape collects. Wings
// count with it; the admin server turns samples into Prometheus' text. It knows no name and no server.
//
// All methods may be called at once from many goroutines, allocate nothing, and take no lock.
package metric
