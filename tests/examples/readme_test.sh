#!/bin/bash
# readme_test.sh README CC FLAGS... - the first C program in README compiles with CC and FLAGS (headers, libraries),
# without a warning, and does what it says.
set -eu
readme=${1:?usage: readme_test.sh README CC FLAGS...}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk '/^```c$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$readme" >"$work/program.c"
[ -s "$work/program.c" ] || {
        echo "FAILED: no C program in $readme"
        exit 1
}
"$1" -std=c11 -Wall -Wextra -Werror "$work/program.c" -o "$work/program" "${@:2}" || {
        echo "FAILED: it does not compile"
        exit 1
}
out=$("$work/program") || {
        echo "FAILED: it ended with $?"
        exit 1
}
[ "$out" = $'from API\nfrom DB' ] || {
        echo "FAILED: it wrote: $out"
        exit 1
}
echo "all passed"
