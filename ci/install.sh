#!/usr/bin/env bash
# Proves that "go install .../cmd/petrichor@VERSION" will work once tagged: from a module proxy made of this tree.
set -euo pipefail
cd "$(dirname "$0")/.."

module=github.com/petrichor-protocol/petrichor
version=$(awk -v m=$module '{ sub(/^require /, "") } $1 == m { print $2 }' cmd/petrichor/go.mod)
[ -n "$version" ] || { echo "install: cmd/petrichor/go.mod does not require $module" >&2; exit 1; }

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go run ./ci/modzip "$version" "$dir/proxy" . cmd/petrichor

# A module cache of its own, so that no earlier copy of this version answers; what the real one has
# downloaded serves as a second proxy, so that nothing is fetched twice.
downloaded=$(go env GOMODCACHE)/cache/download
GOPROXY="file://$dir/proxy,file://$downloaded,$(go env GOPROXY)"
GOFLAGS="-modcacherw $(go env GOFLAGS)"
export GOPROXY GOFLAGS GOWORK=off GOBIN="$dir/bin" GOMODCACHE="$dir/mod"
export GONOSUMDB="$module,$module/*"
cd "$dir"
go install "$module/cmd/petrichor@$version"
for asked in latest "$version"; do
	got=$(go list -m "$module/cmd/petrichor@$asked")
	[ "$got" = "$module/cmd/petrichor $version" ] || { echo "install: @$asked is $got" >&2; exit 1; }
done

bin/petrichor version | tee said
grep -qF "${version#v}" said || { echo "install: petrichor version does not say $version" >&2; exit 1; }
bin/petrichor demo
echo "install: $module/cmd/petrichor@$version installs and runs"
