#!/usr/bin/env bash
# Proves the promises about imports: the root's are of the standard library; no unsafe, cgo, assembly or replace anywhere.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { # fail WHAT LINES
	[ -z "$2" ] || { printf 'pure: %s:\n%s\n' "$1" "$2" >&2; exit 1; }
}

root=$(awk '$1 == "module" { print $2 }' go.mod)
deps=$(go list -deps -f '{{if not .Standard}}{{.ImportPath}}{{end}}' .)
fail 'the root package depends on more than the standard library' "$(grep -vxF "$root" <<<"$deps" || true)"

# The brackets keep this line from finding itself.
found=$(grep -rnE --include='*.go' '^(import)?[[:space:]]*([[:alnum:]_.]+[[:space:]]+)?"(unsa[f]e|C)"' . || true)
# libzmq, which a build tag adds to the transport benchmark, is a C library.
fail 'unsafe or cgo' "$(grep -v '^./bench/transport/c_libzmq.go:[0-9]*:import "C"$' <<<"$found" || true)"
fail 'I/O or reflection where there is to be none' "$(
	grep -nE '^(import)?[[:space:]]*"(io|os|net|bufio|reflect)"' element.go || true
	grep -nE '^(import)?[[:space:]]*"(io|os|net|bufio)"' frame.go parser.go || true
)"
fail 'assembly or C' "$(go list -f '{{join .SFiles " "}}{{join .CFiles " "}}' ./... | grep . || true)"
fail 'go.mod and go.sum are not what go mod tidy makes of them' "$(GOWORK=off go mod tidy -diff || true)"
fail 'a replace, which go install refuses' "$(grep -rn --include=go.mod '^[[:space:]]*replace\b' . || true)"

echo "pure: the root imports the standard library only ($(go list -deps . | grep -cvxF "$root") packages); no unsafe, no cgo, no assembly, no replace"
