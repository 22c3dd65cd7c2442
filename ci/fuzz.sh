#!/usr/bin/env bash
# Proves that each fuzz target holds for TIME (default 10s): ci/fuzz.sh [TIME [TARGETS]], TARGETS a regular expression.
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-10s}
wanted=${2:-^Fuzz}
workers=$(nproc)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz DIR TARGET: one run. The engine now and then reports its own deadline as a failure
# (golang/go#75804); only that, with no failing input, is worth a second run.
fuzz() {
	local again
	for again in yes no; do
		if (cd "$1" && go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 200x -parallel "$workers" .) 2>&1 | tee "$log"; then
			return 0
		fi
		if grep -q 'Failing input' "$log" || ! grep -q 'context deadline exceeded' "$log"; then break; fi
		[ $again = no ] || echo "fuzz: $2: the engine's own deadline, once more"
	done
	echo "fuzz: $2 fails: make the input a vector as well as a corpus file" >&2
	return 1
}

targets=$(
	go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' work | while read -r dir; do
		(cd "$dir" && go test -list "$wanted" .) | grep '^Fuzz' | sed "s|^|$dir |" || true
	done
)
[ -n "$targets" ] || { echo "fuzz: no target matches $wanted" >&2; exit 1; }

total=$(wc -l <<<"$targets")
done=0
failed=''
while read -r dir target; do
	done=$((done + 1))
	echo "fuzz: $done of $total: $target for $time on $workers workers"
	fuzz "$dir" "$target" </dev/null || failed="$failed $target"
done <<<"$targets"
[ -z "$failed" ] || { echo "fuzz: failed:$failed" >&2; exit 1; }
echo "fuzz: $total targets, $time each, nothing found"
