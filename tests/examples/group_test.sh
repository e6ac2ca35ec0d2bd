#!/bin/bash
# group_test.sh [EMULATOR...] GROUP - the failing download cancels the one that would take for ever, and its error can be read.
set -u
export LC_ALL=C

[ $# -gt 0 ] || exit 2
out=$("$@")
status=$?
printf '%s\n' "$out"
[ $status -eq 0 ] || {
        echo "FAILED: it ended with $status"
        exit 1
}
[ "$out" = '/film: cancelled
error 1: cannot read /missing' ] || {
        echo "FAILED: not the lines wanted"
        exit 1
}
echo "all passed"
