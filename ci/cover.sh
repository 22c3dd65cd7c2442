#!/usr/bin/env bash
# Proves that the root's tests execute at least 99.7 % of its statements, and lists the others.
set -euo pipefail
cd "$(dirname "$0")/.."

floor=99.7
profile=$(mktemp)
trap 'rm -f "$profile"' EXIT

go test -coverpkg=. -coverprofile="$profile" .

echo 'cover: not executed:'
awk 'NR > 1 && $3 == 0 { n = split($1, at, /[\/:.,]/); print at[n-5] ".go", at[n-3], at[n-1] }' "$profile" |
	sort -k1,1 -k2,2n | while read -r file from to; do
		printf '  %s:%s-%s\t%s\n' "$file" "$from" "$to" "$(sed -n "${from}s/^[[:space:]]*//p" "$file")"
	done

awk -v floor="$floor" '
	NR > 1 { all += $2; if ($3 > 0) run += $2 }
	END {
		share = all ? 100 * run / all : 0
		printf "cover: %d of %d statements, %.2f %%; the floor is %s %%\n", run, all, share, floor
		exit share < floor
	}' "$profile"
