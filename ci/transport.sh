#!/usr/bin/env bash
# Shows in short what petrichor costs as a transport beside its peers, which have to carry everything first.
set -euo pipefail
cd "$(dirname "$0")/../bench/transport"

# -short when nothing else is asked for: ci/transport.sh -out ../../docs/transport.md is the full run.
[ $# -gt 0 ] || set -- -short

# libzmq takes part where this machine can build with it: Debian's libzmq3-dev, gcc and pkg-config.
tags=()
if type gcc >/dev/null 2>&1 && pkg-config --exists libzmq 2>/dev/null; then
	tags=(-tags libzmq)
fi

go vet "${tags[@]}" ./...
go test -short "${tags[@]}" ./...
go run "${tags[@]}" . "$@"
