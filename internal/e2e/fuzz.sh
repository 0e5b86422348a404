#!/bin/bash
# Every native fuzz target of the module, one after the other, each for TIME: fuzz.sh [TIME], default 30s. A line each;
# the exit code is 1 when one of them found something. What was found lies in the package's testdata/fuzz, to be kept as a
# test once its cause is mended.
set -u
time=${1:-30s}
cd "$(dirname "$0")/../.." || exit 2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
targets=0 failed=0
while read -r dir; do
  package=${dir#"$PWD"}
  for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | sed 's/^func //' | sort); do
    targets=$((targets + 1)) began=$SECONDS
    if go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" ".$package" > "$log" 2>&1; then
      executions=$(grep -oE 'execs: [0-9]+' "$log" | tail -n 1)
      printf 'ok    %-60s %4d s  %s\n' "${package#/} $target" $((SECONDS - began)) "$executions"
    else
      failed=$((failed + 1))
      printf 'FAIL  %-60s %4d s\n' "${package#/} $target" $((SECONDS - began))
      tail -n 40 "$log" | sed 's/^/      /'
    fi
  done
done < <(go list -f '{{.Dir}}' ./... | while read -r dir; do grep -qsE '^func Fuzz' "$dir"/*_test.go && echo "$dir"; done)
[ "$targets" -gt 0 ] || { echo "no fuzz target found"; exit 1; }
echo "$((targets - failed)) passed, $failed failed, $targets targets, $time each"
[ "$failed" = 0 ]
