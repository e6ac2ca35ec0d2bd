# common.sh - what the tests of exsum share. Sourced by a script with the name of exsum as its argument; works in an empty
# folder that goes at the end. A test says what failed, goes on, and ends by finish.
set -u
export LC_ALL=C

exsum=$(realpath "${1:?usage: $0 EXSUM}")
grep -qE '__(asan|tsan)_init' "$exsum" && sanitizer=yes || sanitizer=
n_failed=0
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
        echo "FAILED: $*"
        n_failed=$((n_failed + 1))
}

into=. # where expect() leaves output and messages: out and err

# expect STATUS COMMAND... - output to $into/out, messages to $into/err.
expect() {
        local wanted=$1 status
        shift
        timeout 120 "$@" >"$into/out" 2>"$into/err" </dev/null
        status=$?
        [ $status -eq "$wanted" ] || fail "$* ended with $status, not $wanted: $(head -c 500 "$into/err")"
}

same() { # WHAT FILE FILE
        cmp -s "$2" "$3" || fail "$1: $(diff -a "$2" "$3" | head -5)"
}

silent() { # WHAT
        [ ! -s "$into/err" ] || fail "$1 wrote: $(head -c 500 "$into/err")"
}

says() { # WHAT TEXT
        grep -qF -- "$2" "$into/err" || fail "$1 did not say '$2' but: $(head -c 500 "$into/err")"
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

# until_true SECONDS COMMAND... - tries again and again; a machine may be slow.
until_true() {
        local i n=$(($1 * 20))
        shift
        for ((i = 0; i < n; i++)); do
                "$@" && return 0
                sleep 0.05
        done
        fail "never true: $*"
        return 1
}

finish() {
        [ $n_failed -eq 0 ] && echo "all passed"
        exit $((n_failed > 0))
}
