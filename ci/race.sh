#!/usr/bin/env bash
# Proves that the race detector finds nothing in any module's tests.
set -euo pipefail
cd "$(dirname "$0")/.."

CGO_ENABLED=1 go test -race work
