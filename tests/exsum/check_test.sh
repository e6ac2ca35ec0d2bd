#!/bin/bash
# check_test.sh EXSUM - exsum -c against sha256sum -c: what is printed, what is told, the exit status.
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
        sha256sum tree/a.c | sed 's,tree/a.c,-,' >of-input
}

workers='1 3'
[ ! $sanitizer ] || workers=3
lists="plain tagged binary openssl reversed reversed-first reversed-later crlf comments indented upper mixed no-newline bad
       bad-tagged partly-bad bad-escapes troubled missing partly-missing wrong directory empty noise of-input"

test_lists() {
        local list options
        printf 3 >input
        for list in $lists; do
                [ $sanitizer ] || like_sha256sum -c $list # its programs start slowly
                like_sha256sum -c -w --strict $list
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

make_tree
rm tree/sub/big tree/sub/n[1-9][0-9]*
make_lists
test_lists
test_input
finish
