#!/usr/bin/env bash
# Proves that the C port passes the vectors in every build (plain, NDEBUG, sanitizers, 32 bits, valgrind), agrees with Go, and installs: ci/c.sh [FUZZ_SECONDS [INPUTS]].
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-20}
inputs=${2:-1000000}
log=$(mktemp)
root=$(mktemp -d)
trap 'rm -rf "$log" "$root"' EXIT

{
	make -s -C ports/c test echo fuzz FUZZ_SECONDS="$seconds"
	PETRICHOR_C_INPUTS=$inputs go test -count=1 -v -timeout 0 ./ports/c/gotest
} 2>&1 | tee "$log"

make -s -C ports/c install PREFIX=/opt/petrichor DESTDIR="$root"
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH=$root/opt/petrichor/lib/pkgconfig
# shellcheck disable=SC2046 # flags are words
cc -std=c99 -D_POSIX_C_SOURCE=200809L ports/c/examples/echo_client.c $(pkg-config --cflags --libs petrichor) -o "$root/echo_client"
said=$(LD_LIBRARY_PATH=$root/opt/petrichor/lib "$root/echo_client" 2>&1 || true) # without arguments it fails
[[ $said = usage:* ]] || { echo "c: the installed client says $said" >&2; exit 1; }
echo "c: installed, found by pkg-config, linked: petrichor $(pkg-config --modversion petrichor)"

if grep -aE '(^| )needs [^ :]+' "$log" && [ "${CI:-}" = true ]; then
	echo 'c: a tool is missing here' >&2
	exit 1
fi
