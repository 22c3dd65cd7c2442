#!/usr/bin/env bash
# Proves everything the other scripts prove, one after another, and says at the end which held.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

summary=''
status=PASS
[ $# -gt 0 ] || set -- fmt docs pure lint test race 386 cover instructions install c ruby fuzz
for step; do
	start=$SECONDS
	printf '\n%s start %s\n' "$(date -u +%FT%TZ)" "$step"
	if "ci/$step.sh" </dev/null; then verdict=ok; else verdict=FAIL status=FAIL; fi
	took=$((SECONDS - start))
	printf '%s end   %s: %s after %d s\n' "$(date -u +%FT%TZ)" "$step" "$verdict" "$took"
	summary+=$(printf '%s\tci/%s.sh\t%ds' "$verdict" "$step" "$took")$'\n'
done
printf '\n%s%s\n' "$summary" "$status"
[ "$status" = PASS ]
