#!/bin/bash
# fetch_data_test.sh [EMULATOR...] FETCH_DATA - the seed program prints what it should, in the right order, and its three parts take
# about two seconds each. A time may be late by a second and a half, for slow machines and sanitizers; never early.
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

wanted='Data from API
Data from DB
Data from Cache
Gathered in T
Completed (T): Data from Cache
Completed (T): Data from DB
Completed (T): Data from API
Worked T
Awaited (T): Data from API
Awaited (T): Data from DB
Awaited (T): Data from Cache'
# No line but these, in this order.
[ "$(sed -E 's/[0-9]+\.[0-9]s/T/' <<<"$out")" = "$wanted" ] || {
        echo "FAILED: not the lines wanted"
        exit 1
}

# The times in their order, and what each should be, in tenths of a second.
read -r -a times <<<"$(grep -oE '[0-9]+\.[0-9]s' <<<"$out" | tr -d '.s' | tr '\n' ' ')"
least=(20 5 10 20 3 20 20 20)
for i in "${!least[@]}"; do
        tenths=$((10#${times[$i]}))
        if [ $tenths -lt "${least[$i]}" ] || [ $tenths -gt $((least[i] + 15)) ]; then
                echo "FAILED: time $((i + 1)) is $tenths tenths of a second, not ${least[$i]}"
                exit 1
        fi
done
echo "all passed"
