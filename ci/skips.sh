#!/usr/bin/env bash
# Proves that no test is skipped for want of a tool: such a skip says "needs TOOL: ...".
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export CI=true PETRICHOR_CI=1

status=0
go test -v work >"$log" 2>&1 || status=1

# -a: the log holds whatever the tests print.
echo "skips: $(grep -acE '^ *--- PASS' "$log") passed, $(grep -acE '^ *--- SKIP' "$log") skipped, $(grep -acE '^ *--- FAIL' "$log") failed"
grep -aE '^ *--- SKIP' "$log" || true
if grep -aE '^ +[^ ]+\.go:[0-9]+: needs [^ :]+:' "$log"; then
	echo 'skips: a tool is missing here' >&2
	status=1
fi
grep -aE '^ *--- FAIL|^(FAIL|panic:)|\[(build|setup) failed\]' "$log" || true # ci/test.sh shows why
exit $status
