#!/bin/bash
# snippets_test.sh FILE.md CC FLAGS... - each whole C program in FILE.md compiles with CC and FLAGS (headers, libraries)
# without a warning and ends with 0; and where a block of text follows it, that is what it prints.
set -eu
page=${1:?usage: snippets_test.sh FILE.md CC FLAGS...}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# N.c, and N.txt for what it prints, for each program.
awk -v work="$work" '
        /^```c$/ { file = work "/" ++n ".c"; is_program = 1; next }
        /^```text$/ && is_fresh { file = work "/" n ".txt"; is_fresh = 0; next }
        /^```/ { if (file) close(file); is_fresh = is_program; is_program = 0; file = ""; next }
        file { print >file; next }
        /[^ ]/ { is_fresh = 0 }
        ' "$page"

n=0
for source in "$work"/*.c; do
        grep -q 'int main(' "$source" || continue
        name=${source%.c}
        "$1" -std=c11 -Wall -Wextra -Werror "$source" -o "$name" "${@:2}" || {
                echo "FAILED: program ${name##*/} of $page does not compile"
                exit 1
        }
        "$name" >"$name.out" || {
                echo "FAILED: program ${name##*/} of $page ended with $?"
                exit 1
        }
        [ ! -e "$name.txt" ] || diff "$name.txt" "$name.out" || {
                echo "FAILED: program ${name##*/} of $page prints something else"
                exit 1
        }
        n=$((n + 1))
done
[ $n -gt 0 ] || {
        echo "FAILED: no program in $page"
        exit 1
}
echo "all passed: $n programs"
