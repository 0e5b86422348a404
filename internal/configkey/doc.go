// Package configkey owns the type of a configuration key. Every wing declares its keys as a table of Key; the
// loader, DescribeConfigs, `mainstem config explain`, the reference page and the console form all read the tables,
// so a key's default, range and meaning are written once.
package configkey
