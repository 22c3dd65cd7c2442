#!/usr/bin/env bash
# Proves that every peer carries the same content, and shows in short where the codec stands beside them.
set -euo pipefail
cd "$(dirname "$0")/../bench"

# -short when nothing else is asked for: ci/bench.sh -out ../docs/performance.md is the full run.
[ $# -gt 0 ] || set -- -short

go vet ./...
go test -short ./...
go run . "$@"
