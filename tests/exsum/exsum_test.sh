#!/bin/bash
# exsum_test.sh EXSUM - exsum against sha256sum on a nasty tree, and where things go wrong.
# EXSUM_TEST_FILES is a seventh of the number of files in the test of memory (3000; 200 under a sanitizer).
. "$(dirname "$0")/common.sh"
n_files=${EXSUM_TEST_FILES:-$([ $sanitizer ] && echo 200 || echo 3000)}

test_tree() {
        files_in_order tree | xargs -0 sha256sum -- >wanted
        local j
        for j in 1 2 8; do
                expect 0 "$exsum" -j $j tree
                same "-j $j" wanted out
                silent "-j $j"
                expect 0 "$exsum" --as-completed -j $j tree
                sort out >sorted.out
                sort wanted >sorted.wanted
                same "--as-completed -j $j" sorted.wanted sorted.out
        done
        expect 0 "$exsum" tree
        same "the default number of workers" wanted out
        sha256sum -c --strict --quiet <out >checked 2>&1 || fail "sha256sum -c: $(head -5 checked)"
        expect 0 "$exsum" tree/
        same "a slash at the end" wanted out
        (cd tree && files_in_order . | xargs -0 sha256sum --) >wanted.here
        expect 0 env -C tree "$exsum" .
        same "." wanted.here out
}

test_arguments() {
        ln -s tree tree.link
        ln -s tree/a.c file.link
        sha256sum tree/a.c file.link tree/a/1 tree/a.c >wanted
        expect 0 "$exsum" tree/a.c file.link tree/a tree/a.c
        same "files, links and a directory" wanted out
        sha256sum tree.link/a.c >wanted
        expect 0 "$exsum" tree.link/a.c
        same "a path through a link" wanted out
        files_in_order tree/ | sed -z 's,^tree/,tree.link/,' | xargs -0 sha256sum -- >wanted
        expect 0 "$exsum" tree.link
        same "a link to a directory" wanted out
        printf '%s' text | sha256sum - - >wanted
        printf '%s' text | "$exsum" - - >out
        same "standard input twice" wanted out
        printf '%s' text | "$exsum" >out
        head -1 wanted >first
        same "no argument" first out
        "$exsum" -j 1 <(printf 1) <(printf 2) | cut -d ' ' -f 1 >out
        cat <(printf 1 | sha256sum) <(printf 2 | sha256sum) | cut -d ' ' -f 1 >wanted
        same "two pipes" wanted out
        expect 0 "$exsum" -- tree/-dash
}

test_misuse() {
        expect 0 "$exsum" --help
        expect 0 "$exsum" -h
        expect 0 "$exsum" --version
        expect 2 "$exsum" --no-such-option
        expect 2 "$exsum" -j 0 tree
        expect 2 "$exsum" -j x tree
        expect 2 "$exsum" --order=none tree
        says "an unknown order" "exsum: 'none' is no order"
        expect 2 "$exsum" --order=global --as-completed tree
        expect 2 "$exsum" --json --tag tree
        expect 2 "$exsum" --json -z tree
        expect 2 "$exsum" -c --tag list
        expect 2 "$exsum" -c --order=global list
        local option
        for option in --quiet --status --strict --warn -w --ignore-missing; do
                expect 2 "$exsum" $option tree
                says "$option" "meaningful only with --check"
        done
        expect 2 "$exsum" -a no-such-algorithm tree
        says "an unknown algorithm" "exsum: unknown algorithm 'no-such-algorithm'"
}

test_missing() {
        sha256sum tree/a.c nowhere tree/-dash >wanted 2>/dev/null
        expect 1 "$exsum" tree/a.c nowhere tree/links/dangling tree/-dash
        same "the rest after a missing file" wanted out
        says "a missing file" "exsum: nowhere: No such file or directory"
        says "a dangling link" "exsum: tree/links/dangling: No such file or directory"
        expect 1 "$exsum" $'no\nwhere'
        says "a missing file's name" 'exsum: no\012where: No such file or directory'
        expect 1 "$exsum" tree/a.c/below
        says "a file as a directory" "Not a directory"
}

test_write_errors() {
        timeout 60 "$exsum" tree >/dev/full 2>err
        [ $? -eq 1 ] || fail "a full disk did not end with 1"
        says "a full disk" "exsum: write error: No space left on device"
        [ "$(wc -l <err)" -eq 1 ] || fail "a full disk was told more than once"
        timeout 60 "$exsum" tree >&- 2>err
        [ $? -eq 1 ] || fail "a closed output did not end with 1"
        says "a closed output" "exsum: write error: Bad file descriptor"
        mkdir lines
        seq -f 'lines/%05g' 5000 | xargs touch
        {
                timeout 60 env --default-signal=PIPE "$exsum" lines 2>err
                echo $? >status
        } | head -1 >out
        [ "$(cat status)" -eq 141 ] || fail "a closed pipe ended with $(cat status), not by SIGPIPE"
        silent "a closed pipe"
        sha256sum tree/a.c >wanted
        "$exsum" tree/a.c <&- 2>&- >out
        same "a closed input" wanted out
}

test_unreadable() {
        local as=()
        mkdir secret secret/closed
        printf 1 >secret/open
        printf 2 >secret/denied
        printf 3 >secret/closed/inside
        chmod 0 secret/denied secret/closed
        chmod 755 . secret
        [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
        if ! "${as[@]}" "$exsum" --version >/dev/null 2>&1; then
                echo "not tested: unreadable files (the user nobody cannot run $exsum)"
                return
        fi
        sha256sum secret/open >wanted
        expect 1 "${as[@]}" "$exsum" secret
        same "the rest after unreadable files" wanted out
        says "an unreadable file" "exsum: secret/denied: Permission denied"
        says "an unreadable directory" "exsum: secret/closed: Permission denied"
}

# While nobody reads its output exsum cannot go on: it has read the names, and is far from opening the last files.
test_vanishing() {
        mkdir moving moving/zdir moving/zzdir
        seq -f 'moving/%05g' 5000 | xargs touch
        printf 1 >moving/zdir/file
        printf 1 >moving/zzdir/file
        files_in_order moving | grep -zv -e 0499[6-9] -e zdir/ | xargs -0 sha256sum -- >wanted
        sha256sum moving/zzdir/file >>wanted
        (
                timeout 60 "$exsum" -j 2 moving 2>err
                echo "status $?"
        ) | (
                IFS= read -r line
                printf '%s\n' "$line"
                rm moving/04997 moving/04998 moving/04999 moving/04996
                rm -r moving/zdir
                mkfifo moving/04998
                ln -s 00001 moving/04999
                mkdir moving/04996
                cat
        ) >out
        [ "$(tail -1 out)" = "status 1" ] || fail "vanishing files: $(tail -1 out)"
        sed -i '$d' out
        same "the rest after vanishing files" wanted out
        says "a vanished file" "exsum: moving/04997: No such file or directory"
        says "a vanished directory" "exsum: moving/zdir: No such file or directory"
        [ "$(wc -l <err)" -eq 2 ] || fail "vanishing files: $(cat err)"
}

# Far deeper than a path may be long.
test_deep() {
        local name wanted i
        name=$(printf 'd%.0s' {1..200})
        mkdir deep
        (
                cd deep || exit
                for i in $(seq 60); do
                        mkdir "$name" && cd "./$name" || exit
                        printf '%s' "$i" >file
                done
        )
        wanted=$(printf 60 | sha256sum | cut -d ' ' -f 1)
        expect 0 "$exsum" deep
        silent "a deep tree"
        [ "$(wc -l <out)" -eq 60 ] || fail "a deep tree has $(wc -l <out) files"
        grep -q "^$wanted  deep/.*/file$" out || fail "the deepest file is missing"
        [ "$(head -1 out | wc -c)" -gt 12000 ] || fail "the deepest file does not come first"
        rm -rf deep
}

# exsum waits for a fifo at the end, and is looked at meanwhile.
peak_kib() { # LINES ARGUMENT...
        local n=$1 pid
        shift
        rm -f zlast
        mkfifo zlast
        "$exsum" "$@" zlast >out 2>err &
        pid=$!
        for _ in $(seq 1000); do
                { kill -0 $pid && [ "$(wc -l <out)" -lt "$n" ]; } 2>/dev/null || break
                sleep 0.1
        done
        awk '/^VmHWM/ { print $2 }' /proc/$pid/status
        timeout 10 bash -c ': >zlast' || kill $pid
        wait $pid || echo "ended with $?" >>err
}

# Arguments of exsum, which then writes ./wanted.
test_memory_in_order() {
        local kib
        kib=$(peak_kib $((n_files * 7)) "$@")
        grep -v '  zlast$' out >files
        silent "$*"
        same "$*" wanted files
        echo "memory: $kib KiB at most for $((n_files * 7)) files: $*"
        if [ $sanitizer ]; then
                echo "not tested: the bound on memory, under a sanitizer"
        elif [ "${kib:-65536}" -ge 65536 ]; then
                fail "memory: $kib KiB"
        fi
}

test_memory() {
        mkdir many
        (cd many && seq -f 'file-%07g' "$n_files" | xargs touch)
        # Names that do not fit into the memory allowed for them are read in several runs.
        mkdir long
        (cd long && seq -f "$(printf 'n%.0s' {1..240})-%07g" "$((n_files * 6))" | shuf | xargs touch)
        files_in_order many | xargs -0 sha256sum -- >wanted
        files_in_order long | xargs -0 sha256sum -- >>wanted
        test_memory_in_order many long
        find many long -type f -print0 | sort -z | xargs -0 sha256sum -- >wanted
        test_memory_in_order --order=global many long
}

make_tree
test_tree
test_arguments
test_misuse
test_missing
test_write_errors
test_unreadable
test_vanishing
test_deep
test_memory
finish
