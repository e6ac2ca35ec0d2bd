#!/bin/bash
# exsum_test.sh EXSUM - exsum against sha256sum on a nasty tree, and where things go wrong.
# EXSUM_TEST_FILES is a seventh of the number of files in the test of memory (3000; 500 under a sanitizer).
set -u
export LC_ALL=C

exsum=$(realpath "${1:?usage: exsum_test.sh EXSUM}")
grep -qE '__(asan|tsan)_init' "$exsum" && sanitizer=yes || sanitizer=
n_files=${EXSUM_TEST_FILES:-$([ $sanitizer ] && echo 500 || echo 3000)}
n_failed=0
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
        echo "FAILED: $*"
        n_failed=$((n_failed + 1))
}

# expect STATUS COMMAND... - output to ./out, messages to ./err.
expect() {
        local wanted=$1 status
        shift
        timeout 120 "$@" >out 2>err </dev/null
        status=$?
        [ $status -eq "$wanted" ] || fail "$* ended with $status, not $wanted: $(head -c 500 err)"
}

same() { # WHAT FILE FILE
        cmp -s "$2" "$3" || fail "$1: $(diff -a "$2" "$3" | head -5)"
}

silent() { # WHAT
        [ ! -s err ] || fail "$1 wrote: $(head -c 500 err)"
}

says() { # WHAT TEXT
        grep -qF -- "$2" err || fail "$1 did not say '$2' but: $(head -c 500 err)"
}

# The regular files below $1 in exsum's order: each directory's names by their bytes, a directory's files in its place.
files_in_order() {
        find "$1" -type f -print0 | tr '/' '\001' | sort -z | tr '\001' '/'
}

make_tree() {
        mkdir -p tree/a tree/a-b tree/B 'tree/with space' tree/empty tree/sub/sub/sub tree/links
        printf 1 >tree/a/1
        printf 2 >tree/a-b/2
        printf 3 >tree/a.c
        printf 4 >'tree/with space/ leading and trailing '
        printf 5 >$'tree/new\nline'
        printf 6 >'tree/back\slash'
        printf 7 >$'tree/carriage\rreturn'
        printf 8 >$'tree/all\\of\r\nthem\\'
        printf 9 >$'tree/tab\tand\033escape'
        printf 10 >$'tree/\xc3\xa4\xe2\x82\xac.txt'
        printf 11 >$'tree/invalid\xff\xfeutf8'
        printf 12 >tree/-dash
        printf 13 >tree/.hidden
        printf 14 >"tree/$(printf 'x%.0s' {1..255})"
        printf 15 >$'tree/sub/sub/dir\nx'
        mkdir $'tree/dir\\with\nboth'
        printf 16 >$'tree/dir\\with\nboth/file'
        : >tree/sub/sub/sub/empty
        : >tree/B/empty
        head -c 131072 /dev/urandom >tree/buffer
        head -c 131073 /dev/urandom >tree/buffer+1
        head -c 20000000 /dev/urandom >tree/sub/big
        ln -s nowhere tree/links/dangling
        ln -s ../a/1 tree/links/file
        ln -s .. tree/links/loop
        mkfifo tree/fifo
        local i
        for i in $(seq 300); do
                head -c "$i" /dev/zero >tree/sub/n$i
        done
}

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
        local pair
        for pair in md5:md5sum sha1:sha1sum sha512:sha512sum blake2b512:b2sum; do
                "${pair#*:}" tree/a.c tree/buffer+1 >wanted
                expect 0 "$exsum" -a "${pair%:*}" tree/a.c tree/buffer+1
                same "-a ${pair%:*}" wanted out
        done
        expect 0 "$exsum" --stats tree
        grep -Eq '^exsum: [0-9]+ files, [0-9]+ bytes in [0-9.]+ s, [0-9.]+ MB/s; [0-9]+ tasks on [0-9]+ workers, [0-9]+ steals, [0-9]+ in flight at most$' err ||
                fail "--stats: $(cat err)"
        grep -q "^exsum: $(find tree -type f -print0 | tr -dc '\0' | wc -c) files, " err || fail "--stats counts: $(cat err)"
}

test_misuse() {
        expect 0 "$exsum" --help
        expect 0 "$exsum" -h
        expect 0 "$exsum" --version
        expect 2 "$exsum" --no-such-option
        expect 2 "$exsum" -j 0 tree
        expect 2 "$exsum" -j x tree
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
        rm -f last
        mkfifo last
        "$exsum" "$@" last >out 2>err &
        pid=$!
        for _ in $(seq 1000); do
                { kill -0 $pid && [ "$(wc -l <out)" -lt "$n" ]; } 2>/dev/null || break
                sleep 0.1
        done
        awk '/^VmHWM/ { print $2 }' /proc/$pid/status
        timeout 10 bash -c ': >last' || kill $pid
        wait $pid || echo "ended with $?" >>err
}

test_memory() {
        local kib
        mkdir many
        (cd many && seq -f 'file-%07g' "$n_files" | xargs touch)
        # Names that do not fit into the memory allowed for them are read in several runs.
        mkdir long
        (cd long && seq -f "$(printf 'n%.0s' {1..240})-%07g" "$((n_files * 6))" | shuf | xargs touch)
        files_in_order many | xargs -0 sha256sum -- >wanted
        files_in_order long | xargs -0 sha256sum -- >>wanted
        kib=$(peak_kib $((n_files * 7)) many long)
        sed -i '$d' out
        silent "many files"
        same "many files" wanted out
        echo "memory: $kib KiB at most for $((n_files * 7)) files"
        if [ $sanitizer ]; then
                echo "not tested: the bound on memory, under a sanitizer"
        elif [ "${kib:-65536}" -ge 65536 ]; then
                fail "memory: $kib KiB"
        fi
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
[ $n_failed -eq 0 ] && echo "all passed"
exit $((n_failed > 0))
