#!/usr/bin/env bash
# Proves that the Ruby port passes the vectors, survives random bytes, agrees with Go and installs as a gem: ci/ruby.sh [FUZZ_SECONDS [INPUTS]].
set -euo pipefail
cd "$(dirname "$0")/.."

export FUZZ_SECONDS=${1:-20} SEED=${SEED:-6}
export PETRICHOR_INPUTS=${2:-20000} PETRICHOR_SEED=${PETRICHOR_SEED:-6}
root=$(mktemp -d)
log=$(mktemp)
trap 'rm -rf "$root" "$log"' EXIT

if ! type ruby >/dev/null 2>&1; then
	echo 'needs ruby: the Ruby port is not tested'
	[ "${CI:-}" != true ]
	exit
fi

cd ports/ruby
for file in lib/petrichor.rb lib/petrichor/*.rb examples/*.rb test/*.rb petrichor.gemspec; do
	warned=$(ruby -wc "$file" 2>&1)
	[ "$warned" = 'Syntax OK' ] || { echo "$file: $warned"; exit 1; }
done
for test in test/*_test.rb; do
	ruby -Ilib "$test"
done
if ruby -e 'require "rbs"' 2>/dev/null; then # Debian has it with Ruby
	ruby -e 'load Gem.bin_path("rbs", "rbs")' -- -I sig validate --silent
fi

gem build --silent --output "$root/petrichor.gem" petrichor.gemspec
gem install --silent --local --no-document --install-dir "$root/gems" "$root/petrichor.gem"
cd ../..
said=$(GEM_PATH=$root/gems ruby -e 'gem "petrichor"; require "petrichor"; print Petrichor.dump({ a: 1 })')
[ "$said" = '8:1:a,1:1#}' ] || { echo "ruby: the gem says $said" >&2; exit 1; }

go run ./cmd/petrichor conform -q --strict -- ruby -Iports/ruby/lib ports/ruby/test/verdict.rb | tail -1
go test -count=1 -v -timeout 0 ./ports 2>&1 | tee "$log" | grep -E '^(---|ok|FAIL|PASS)|inputs from|needs '
if grep -E '(^| )needs [^ :]+:' "$log" && [ "${CI:-}" = true ]; then
	echo 'ruby: a tool is missing here' >&2
	exit 1
fi
