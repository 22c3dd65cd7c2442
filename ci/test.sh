#!/usr/bin/env bash
# Proves that the README's test command passes, go test ./... too, and that no test is skipped for want of a tool: such a skip says "needs TOOL: ...".
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export CI=true PETRICHOR_CI=1

grep -q 'go test work' README.md || { echo 'test: README.md no longer says "go test work"' >&2; exit 1; }

status=0
GOFLAGS="${GOFLAGS:-} -v" go test work >"$log" 2>&1 || status=1 # as the README says it, and told of each test

# -a: the log holds whatever the tests print.
grep -aE '^(ok|FAIL|panic:)|\[(build|setup) failed\]' "$log" || true
echo "test: $(grep -acE '^ *--- PASS' "$log") passed, $(grep -acE '^ *--- SKIP' "$log") skipped, $(grep -acE '^ *--- FAIL' "$log") failed"
grep -aE '^ *--- SKIP' "$log" || true
[ $status = 0 ] || grep -aE -B 12 -A 4 '^ *--- FAIL|^panic:|^# ' "$log" || true
if grep -aE '^ +[^ ]+\.go:[0-9]+: needs [^ :]+:' "$log"; then
	echo 'test: a tool is missing here' >&2
	status=1
fi
GOFLAGS="${GOFLAGS:-} -v" go test ./... >/dev/null || status=1 # of what has just been tested, nothing runs again
exit $status
