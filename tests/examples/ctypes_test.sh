#!/bin/bash
# ctypes_test.sh PROGRAM LIBRARY - the Python example does what it says. Exit status 77: there is no Python 3.
set -u
command -v python3 >/dev/null || exit 77

out=$(python3 "${1:?usage: ctypes_test.sh PROGRAM LIBRARY}" "${2:?}")
status=$?
printf '%s\n' "$out"
[ $status -eq 0 ] || {
        echo "FAILED: it ended with $status"
        exit 1
}
digest=$(printf executor | sha256sum | cut -c1-8)
[ "$out" = $'gathered [1, 1, 1]\nawaited '"$digest"$'\nfailed with EIO' ] || {
        echo "FAILED: not the lines wanted"
        exit 1
}
echo "all passed"
