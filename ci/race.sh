#!/usr/bin/env bash
# Proves that the race detector finds nothing in any module's tests.
set -euo pipefail
cd "$(dirname "$0")/.."

# Programs of their own, which the detector does not see into: the ports, contrib's, the document's.  The
# tool's conform starts hundreds of processes, each of which is slow under the detector; what they do is
# tested with it in internal/conform and petrichortest.  TestTable measures.  -short makes the long
# histories shorter.
go list work | grep -vE '/(ports|contrib|spec)(/|$)' | CGO_ENABLED=1 xargs go test -race -short -skip '^Test(Docs|Conform|Table$)'
