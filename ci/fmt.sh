#!/usr/bin/env bash
# Proves that every Go file is laid out as gofumpt lays it out (-w: makes it so).
set -euo pipefail
cd "$(dirname "$0")/.."

gofumpt=mvdan.cc/gofumpt@v0.12.0

if [ "${1:-}" = -w ]; then
	exec go run "$gofumpt" -w .
fi
if diff=$(go run "$gofumpt" -d .) && [ -z "$diff" ]; then
	exit
fi
printf '%s\n\nfmt: not formatted; run ci/fmt.sh -w\n' "$diff" >&2
exit 1
