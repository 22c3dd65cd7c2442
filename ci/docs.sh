#!/usr/bin/env bash
# Proves that links between the repository's files lead somewhere, and that every design page is in the index.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=$(
	find . -name '*.md' -not -path './.git/*' | while read -r page; do
		awk '/^ *```/ { code = !code; next } !code' "$page" | grep -oE '\]\([^)# ]+' | sed 's/^](//' | grep -v : | while read -r to; do
			[ -e "$(dirname "$page")/$to" ] || echo "$page: $to"
		done || true
	done
	find . -name '*.go' -o -name '*.sh' -o -name Makefile | xargs grep -oHE '\bdocs/[[:alnum:]/_-]+\.(md|svg)' |
		sort -u | while IFS=: read -r file to; do
			[ -e "$to" ] || echo "$file: $to"
		done
	for page in docs/design/[0-9]*.md; do
		[ ! -e "$page" ] || grep -qF "(${page##*/})" docs/design/README.md || echo "docs/design/README.md: no row for ${page##*/}"
	done
)
[ -z "$missing" ] || { printf 'docs: these lead nowhere:\n%s\n' "$missing" >&2; exit 1; }
