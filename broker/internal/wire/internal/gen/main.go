package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	jars := flag.String("jars", "", "directory with the jars of one Apache Kafka release; empty leaves the output as it is")
	out := flag.String("out", "zz_generated_shapes.go", "file to write")
	flag.Parse()
	if err := run(*jars, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run reads the definitions in jars and writes the table file. Without jars the committed tables stay: they change
// only with the release of Kafka we follow, and a build machine need not have one.
func run(jars, out string) error {
	if jars == "" {
		fmt.Fprintln(os.Stderr, "gen: no -jars given,", out, "stays as it is")
		return nil
	}
	messages, err := readJars(jars)
	if err != nil {
		return err
	}
	t, err := compileAll(messages)
	if err != nil {
		return err
	}
	src, err := t.source()
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, src, 0o644); err != nil {
		return fmt.Errorf("write the tables: %w", err)
	}
	return nil
}
