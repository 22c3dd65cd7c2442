#!/usr/bin/env bash
# Proves that go vet and staticcheck have nothing to say about any module of the workspace.
set -euo pipefail
cd "$(dirname "$0")/.."

staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2 # 2026.2.2

status=0
go vet work || status=1
go run "$staticcheck" work || status=1
exit $status
