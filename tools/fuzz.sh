#!/usr/bin/env bash
# Runs each fuzz target of this module for the time given, one after the other, and fails if one found
# something: what it found is in the package's testdata then, and is a test from now on.
set -uo pipefail
cd "$(dirname "$0")/.."
time=${1:-10s} failed=()
while IFS=: read -r file name; do
  printf '=== %s %s\n' "$(dirname "$file")" "$name"
  go test "./$(dirname "$file")" -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 5x || failed+=("$name")
done < <(git grep -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | sed 's/:func /:/')
((${#failed[@]} == 0)) || { echo "failed: ${failed[*]}" >&2; exit 1; }
