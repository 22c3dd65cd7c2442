#!/bin/sh
# Has an echo in C serve the command-line tool, and an echo of the tool serve a client in C: echo.sh OUT
set -eu
out=$1
pids=''
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done' EXIT
fail() { echo "echo: $*" >&2; exit 1; }

command -v go >/dev/null || { echo 'needs go: no echo with the Go implementation'; exit; }
(cd ../.. && go build -o ports/c/"$out"/petrichor ./cmd/petrichor)

# listening FILE: the address in the first line a server prints.
listening() {
	for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		grep -q '^listening on ' "$1" && break
		sleep 0.1
	done
	sed -n 's/^listening on //p' "$1"
}

"$out/echo_server" 127.0.0.1 0 >"$out/c.out" &
pids="$pids $!"
"$out/petrichor" echo 127.0.0.1:0 --deny from='echo in C' >"$out/denying.out" &
pids="$pids $!"
"$out/petrichor" echo 127.0.0.1:0 >"$out/go.out" &
pids="$pids $!"
in_c=$(listening "$out/c.out") in_go=$(listening "$out/go.out") denying=$(listening "$out/denying.out")

said=$("$out/petrichor" request "$in_c" hello -H id:=7)
[ "$said" = '{"header":{"id":7},"body":"hello"}' ] || fail "the server in C said $said"
"$out/petrichor" request "$in_c" hello --ident deny:=true >/dev/null 2>&1 && fail 'the server in C allows whom it should deny'
head -c 1048576 /dev/urandom >"$out/body"
"$out/petrichor" request "$in_c" -d @"$out/body" -f raw -o "$out/back"
cmp "$out/body" "$out/back" || fail 'a body of 1 MiB came back from C as another'
echo 'echo: the tool is served by C: a request, a denial, 1 MiB'

said=$("$out/echo_client" "${in_go%:*}" "${in_go##*:}" hello '' again | tr '\n' /)
[ "$said" = hello//again/ ] || fail "the client in C heard $said"
"$out/echo_client" "${denying%:*}" "${denying##*:}" hello 2>/dev/null && fail 'the client in C does not see that it is denied'
echo 'echo: C is served by the tool: three requests, a denial'
