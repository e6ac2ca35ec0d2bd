#!/bin/bash
# check_test.sh EXSUM - exsum -c against sha256sum -c: what is printed, what is told, the exit status; and what only exsum
# reads.
. "$(dirname "$0")/common.sh"

# like_sha256sum ARGUMENT... - both with these, standard input from ./input. Messages may come in another order, and
# sha256sum puts some names in quotes.
like_sha256sum() {
        local status_wanted status_got j
        timeout 120 sha256sum "$@" <input >wanted 2>wanted.err
        status_wanted=$?
        for j in $workers; do
                timeout 120 "$exsum" -j $j "$@" <input >out 2>err
                status_got=$?
                [ $status_got -eq $status_wanted ] || fail "$*: ended with $status_got, sha256sum with $status_wanted"
                same "$*" wanted out
                sed "s/^sha256sum:/exsum:/; s/: '\(.*\)':/: \1:/" wanted.err | sort >wanted.sorted
                sed "s/: '\(.*\)':/: \1:/" err | sort >sorted
                same "$*: messages" wanted.sorted sorted
        done
}

make_lists() {
        files_in_order tree | xargs -0 sha256sum -- >plain
        files_in_order tree | xargs -0 sha256sum --tag -- >tagged
        sha256sum -b tree/a.c tree/a/1 >binary
        sed 's/ = /= /; s/ (/(/' tagged >openssl
        sha256sum tree/a.c tree/a/1 | sed 's/  / /' >reversed
        cat reversed <(sha256sum tree/B/empty) >reversed-first
        cat <(sha256sum tree/B/empty) reversed >reversed-later
        sed 's/$/\r/' <(sha256sum tree/a.c tree/a/1) >crlf
        { echo '# a comment'; echo; echo '   '; sha256sum tree/a.c; echo '#'; } >comments
        sed $'s/^/ \t /' <(sha256sum tree/a.c; sha256sum --tag tree/a/1) >indented
        tr a-f A-F <<<"$(sha256sum tree/a.c | cut -d ' ' -f 1)" | sed 's,$,  tree/a.c,' >upper
        cat plain tagged binary >mixed
        printf %s "$(cat binary)" >no-newline
        sed '1s/^./x/; 2s/^.//; 3s/^/0/; 4s/  //; 5s/  .*//; 6s/  .*/  /' <(sha256sum tree/sub/n[1-9]) >bad
        sed 's/ = / - /; 2s/)//; 3s/$/ /; 4s/SHA256/SHA255/; 5s/.$//' <(sha256sum --tag tree/sub/n[1-5]) >bad-tagged
        cat plain bad bad-tagged >partly-bad
        sed '1s/^./\\&/; 2s/^/\\/; 2s,  .*,  a\\qb,; 3s/^/\\/; 3s,$,\\,' <(sha256sum tree/sub/n[1-3]) >bad-escapes
        sed '1s/^./g/; 2,3s/^......../00000000/; 4s,n4,missing,; 5s,n5,missing-too,' <(sha256sum tree/sub/n[1-9]) >troubled
        sed 's,tree/,missing/,' <(sha256sum tree/sub/n[1-3]) >missing
        cat missing <(sha256sum tree/a.c) >partly-missing
        sed 's/^......../00000000/' <(sha256sum tree/a.c tree/buffer) >wrong
        sed 's,  .*,  tree,' <(sha256sum tree/a.c) >directory
        : >empty
        head -c 300000 /dev/urandom >noise
        printf '%s  tree/a.c\0x\n' "$(sha256sum tree/a.c | cut -d ' ' -f 1)" >with-nul
        sha256sum tree/a.c | sed 's,tree/a.c,-,' >of-input
}

workers='1 3'
[ ! $sanitizer ] || workers=3 # a sanitizer's programs start slowly
lists="plain tagged binary openssl reversed reversed-first reversed-later crlf comments indented upper mixed no-newline bad
       bad-tagged partly-bad bad-escapes troubled missing partly-missing wrong directory empty noise of-input"

test_lists() {
        local list options
        printf 3 >input
        for list in $lists; do
                for options in '' '-w --strict'; do
                        like_sha256sum -c $options $list
                done
        done
        for list in plain troubled partly-bad missing partly-missing wrong empty; do
                for options in --quiet --status --ignore-missing; do
                        like_sha256sum -c $options $list
                done
        done
        for options in --strict '--strict --quiet' '--ignore-missing --strict --status' '-w --quiet' '--quiet --warn' \
                '--status --warn --strict'; do
                like_sha256sum -c $options partly-bad
        done
        like_sha256sum -c plain wrong missing
        like_sha256sum -c nowhere plain
        like_sha256sum --check --ignore-missing missing empty plain
}

test_input() {
        local list
        for list in plain troubled of-input empty; do
                cp $list input
                like_sha256sum -c
                like_sha256sum -c -
                like_sha256sum -c plain - wrong
        done
}

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
make_lists
test_lists
test_input
test_algorithms
test_round
test_pipe
test_odd_lines
finish
