#!/usr/bin/env bash
# Proves that the root works where int has 32 bits, and that every module builds for other systems.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

GOOS=js GOARCH=wasm go build ./x/ws # the browser's build
# One at a time: some promises are about time.  What other languages do does not change with GOARCH.
go list ./... | grep -vE '/(ports|contrib|spec)(/|$)' | GOARCH=386 xargs go test -short -p 1
for system in windows/amd64 darwin/arm64 linux/s390x; do
	echo "build for $system"
	GOOS=${system%/*} GOARCH=${system#*/} go build work
done
