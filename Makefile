# Names for the commands in ci/. Plain "make" runs what CI runs.

.PHONY: all fmt docs pure lint test race 386 fuzz cover instructions install-check bench performance format picture

all:
	ci/all.sh

fmt:
	ci/fmt.sh
docs:
	ci/docs.sh
pure:
	ci/pure.sh
lint:
	ci/lint.sh
test:
	ci/test.sh
race:
	ci/race.sh
386:
	ci/386.sh
cover:
	ci/cover.sh
instructions:
	ci/instructions.sh
install-check:
	ci/install.sh
fuzz:
	ci/fuzz.sh

# Not part of CI.
bench:
	ci/bench.sh
performance:
	ci/bench.sh -out ../docs/performance.md
format:
	ci/fmt.sh -w
picture:
	go run ./internal/picture > docs/img/frame.svg
	go run ./spec/draw docs/img
