#!/bin/bash
# asyncio_test.sh FILE.md CC FLAGS... - each C block of FILE.md, behind the first one, is a program with a task `program` (or a
# main() of its own) that compiles with CC and FLAGS without a warning, ends with 0, and prints the text that follows it. Each
# Python block, behind the first one, prints the same, where there is a Python of 3.11 or newer.
set -eu
page=${1:?usage: asyncio_test.sh FILE.md CC FLAGS...}
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The blocks of the N-th program: N.py, N.c, N.txt; those in front of all: 0.
awk -v work="$work" '
        /^```python$/ { if (begun) n++; file = work "/" n + 0 ".py"; begun = 1; next }
        /^```c$/ { file = work "/" n + 0 ".c"; next }
        /^```text$/ { file = work "/" n + 0 ".txt"; next }
        /^```/ { if (file) close(file); file = ""; next }
        file { print >file }
        ' "$page"

fail() {
        echo "FAILED: program $n of $page ($1)"
        exit 1
}

python=python3
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || python=

for ((n = 1; ; n++)); do
        [ -e "$work/$n.c" ] || break
        [ -s "$work/$n.txt" ] && [ -s "$work/$n.py" ] || fail "not whole"
        cat "$work/0.c" "$work/$n.c" >"$work/p.c"
        grep -q '^int main(' "$work/p.c" ||
                printf '\nint main(void)\n{\n        return exec_run(program, NULL, NULL) ? 1 : 0;\n}\n' >>"$work/p.c"
        "$1" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-function "$work/p.c" -o "$work/p" "${@:2}" ||
                fail "does not compile"
        "$work/p" >"$work/out" || fail "ended with $?"
        diff "$work/$n.txt" "$work/out" || fail "prints something else"
        [ -n "$python" ] || continue
        cat "$work/0.py" "$work/$n.py" >"$work/p.py"
        grep -q '^    asyncio.run(' "$work/p.py" || echo 'asyncio.run(program())' >>"$work/p.py"
        "$python" "$work/p.py" >"$work/out" || fail "Python ended with $?"
        diff "$work/$n.txt" "$work/out" || fail "Python prints something else"
done
[ $n -gt 10 ] || fail "so few"
echo "all passed: $((n - 1)) programs${python:+, in Python too}"
