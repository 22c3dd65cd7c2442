#!/usr/bin/env bash
# Proves that no operation takes more instructions than testdata/budget.txt allows; without valgrind, nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind >/dev/null || { echo 'instructions: valgrind is not installed, nothing is counted'; exit; }
PETRICHOR_INSTRUCTIONS=1 go test -count=1 -run '^TestInstructionBudget$' .
echo 'instructions: within the budget'
