#!/bin/bash
# tour_test.sh [EMULATOR...] TOUR - it fetches, times out, gathers and cancels, in at most 60 lines of source.
set -u

[ $# -gt 0 ] || exit 2
out=$("$@")
status=$?
printf '%s\n' "$out"
[ $status -eq 0 ] || {
        echo "FAILED: it ended with $status"
        exit 1
}
[ "$out" = 'gathered quick
gathered slow
timed out: yes
cancelled: yes (nobody wants it)' ] || {
        echo "FAILED: not the lines wanted"
        exit 1
}
lines=$(wc -l <"$(dirname "$0")/../../examples/tour.c")
[ "$lines" -le 60 ] || {
        echo "FAILED: $lines lines"
        exit 1
}
echo "all passed"
