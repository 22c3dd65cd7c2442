#!/usr/bin/env bash
# Proves that the README's test command passes, and go test ./... too.
set -euo pipefail
cd "$(dirname "$0")/.."

grep -q 'go test work' README.md || { echo 'test: README.md no longer says "go test work"' >&2; exit 1; }
go test work
go test ./...
