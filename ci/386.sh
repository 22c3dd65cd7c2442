#!/usr/bin/env bash
# Proves that the root works where int has 32 bits, and that every module builds for other systems.
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0

GOARCH=386 go test ./...
for system in windows/amd64 darwin/arm64 linux/s390x; do
	echo "build for $system"
	GOOS=${system%/*} GOARCH=${system#*/} go build work
done
