#!/bin/bash
# lists_test.sh EXSUM - what exsum -c reads: other algorithms, what it wrote itself, a list that comes bit by bit, and what is
# no list.
. "$(dirname "$0")/common.sh"

test_algorithms() {
        local pair
        for pair in md5:md5sum sha1:sha1sum sha512:sha512sum blake2b512:b2sum; do
                files_in_order tree | xargs -0 "${pair#*:}" -- >list
                "${pair#*:}" -c list >wanted
                expect 0 "$exsum" -c -a "${pair%:*}" list
                same "-c -a ${pair%:*}" wanted out
                files_in_order tree | xargs -0 "${pair#*:}" --tag -- >list
                expect 0 "$exsum" -c list
                same "-c, tagged by ${pair#*:}" wanted out
        done
        # One list of several algorithms; with -a only its lines count.
        { md5sum --tag tree/a.c; sha512sum --tag tree/a/1; b2sum --tag tree/buffer; } >list
        printf '%s: OK\n' tree/a.c tree/a/1 tree/buffer >wanted
        expect 0 "$exsum" -c --strict list
        same "several algorithms" wanted out
        echo 'tree/a/1: OK' >wanted
        expect 1 "$exsum" -c -a sha512 --strict list
        same "one of several algorithms" wanted out
        says "one of several algorithms" "exsum: WARNING: 2 lines are improperly formatted"
        local name
        for name in md5 sha3-256 shake128 blake2s256 sm3 sha512-256; do
                "$exsum" -a $name --tag tree/a.c >list
                expect 0 "$exsum" -c --strict list
        done
        openssl dgst -sha3-384 tree/a.c tree/buffer >list
        expect 0 "$exsum" -c --strict list
}

# A list made by exsum in each form, names of every kind among it.
test_round() {
        local form
        for form in '' --tag -z '-z --tag' --as-completed; do
                "$exsum" $form tree >list
                case $form in
                -z*) expect 0 "$exsum" -c -z --strict --quiet list ;;
                *) expect 0 "$exsum" -c --strict --quiet list ;;
                esac
                [ ! -s out ] && [ ! -s err ] || fail "what $form wrote: $(head -5 out err)"
        done
        "$exsum" tree >list
        expect 0 "$exsum" -c --as-completed -j 3 list
        sha256sum -c list | sort >wanted
        sort out >sorted
        same "-c --as-completed" wanted sorted
}

# Before it waits for the next line it shows what came of those before.
test_pipe() {
        mkfifo lines answers
        timeout 60 "$exsum" -j 1 -c <lines >answers &
        exec 3>lines 4<answers
        local i answer
        for i in 1 2 3; do
                sha256sum tree/sub/n$i >&3
                read -r -t 30 answer <&4
                [ "$answer" = "tree/sub/n$i: OK" ] || fail "line $i by a pipe: '$answer'"
        done
        exec 3>&- 4<&-
        wait $! || fail "a list by a pipe ended with $?"
}

# What is no list at all does not fill the memory; and no name has a NUL in it.
test_odd_lines() {
        printf '%s  tree/a.c\0x\n' "$(sha256sum tree/a.c | cut -d ' ' -f 1)" >with-nul
        expect 1 "$exsum" -w -c with-nul
        says "a NUL in a line" "exsum: with-nul: 1: improperly formatted SHA256 checksum line"
        { head -c 30000000 /dev/zero | tr '\0' a; echo; sha256sum tree/a.c; } >list
        echo 'tree/a.c: OK' >wanted
        expect 0 "$exsum" -w -c list
        same "behind a long line" wanted out
        says "a long line" "exsum: list: 1: improperly formatted SHA256 checksum line"
        [ $sanitizer ] || (ulimit -v 300000 && exec "$exsum" -j 1 -c list >/dev/null 2>&1) || fail "a long line filled the memory"
}

make_tree
rm tree/sub/big tree/sub/n[1-9][0-9]*
test_algorithms
test_round
test_pipe
test_odd_lines
finish
