#!/bin/sh
# Runs fuzz targets with libFuzzer and with AFL++, from the vectors: fuzz.sh OUT SECONDS TARGET...
set -eu
out=$1 seconds=$2
shift 2
flags='-std=c99 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all'

${CC:-cc} -std=c99 -O1 test/vectors.c test/support.c petrichor.c -o "$out/vectors"
rm -rf "$out/seeds"
mkdir -p "$out/seeds"
"$out/vectors" -s "$out/seeds" ../../spec/vectors/*.txt >/dev/null

libfuzzer() {
	command -v clang >/dev/null || { echo "needs clang: $1 not run with libFuzzer"; return; }
	clang $flags -fsanitize=fuzzer "test/$1.c" test/support.c petrichor.c -o "$out/$1"
	mkdir -p "$out/corpus-$1"
	"$out/$1" -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$out/" "$out/corpus-$1" "$out/seeds" 2>"$out/$1.log" ||
		{ cat "$out/$1.log"; return 1; }
	echo "$1: libFuzzer, $seconds s: $(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$1.log") executions, nothing found"
}

afl() {
	command -v afl-fuzz >/dev/null || { echo "needs afl++: $1 not run with AFL++"; return; }
	AFL_USE_ASAN=1 AFL_USE_UBSAN=1 AFL_QUIET=1 afl-clang-fast -std=c99 -g -O1 -fsanitize=fuzzer \
		"test/$1.c" test/support.c petrichor.c -o "$out/$1-afl"
	rm -rf "$out/afl-$1"
	AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 \
		afl-fuzz -V "$seconds" -i "$out/seeds" -o "$out/afl-$1" -- "$out/$1-afl" >"$out/$1-afl.log" 2>&1 ||
		{ tail -20 "$out/$1-afl.log"; return 1; }
	stats=$out/afl-$1/default/fuzzer_stats
	grep -q '^saved_crashes *: 0$' "$stats" && grep -q '^saved_hangs *: 0$' "$stats" ||
		{ echo "$1: see $out/afl-$1/default" >&2; return 1; }
	echo "$1: AFL++, $seconds s: $(sed -n 's/^execs_done *: //p' "$stats") executions, nothing found"
}

for target; do
	libfuzzer "$target"
	afl "$target"
done
