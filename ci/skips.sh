#!/usr/bin/env bash
# Proves that no test is skipped for want of a tool: such a skip says "needs TOOL: ...".
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export CI=true PETRICHOR_CI=1

go test -v work >"$log" || { grep -vE '^ *(=== |--- PASS|PASS$)' "$log" >&2; exit 1; }
passed=$(grep -cE '^ *--- PASS' "$log" || true)
skipped=$(grep -cE '^ *--- SKIP' "$log" || true)
echo "skips: $passed passed, $skipped skipped"
grep -B 1 -E '^ *--- SKIP' "$log" || true

if grep -nE '^ +[^ ]+\.go:[0-9]+: .*\bneeds [^ :]+:' "$log" >&2; then
	echo 'skips: a tool is missing here' >&2
	exit 1
fi
