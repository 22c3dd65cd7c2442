#!/usr/bin/env bash
# Proves a claim about speed: ci/benchstat.sh [BASE] runs the benchmarks, and compares them with commit BASE's.
set -euo pipefail
cd "$(dirname "$0")/.."

benchstat=golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
count=${COUNT:-8}

bench() { go test -run '^$' -bench "${BENCH:-.}" -benchmem -count "$count" .; }

if [ $# = 0 ]; then
	bench
	exit
fi
dir=$(mktemp -d)
trap 'git worktree remove --force "$dir/base"; rm -rf "$dir"' EXIT
git worktree add --quiet --detach "$dir/base" "$1"
(cd "$dir/base" && bench) >"$dir/old"
bench >"$dir/new"
go run "$benchstat" "$dir/old" "$dir/new"
