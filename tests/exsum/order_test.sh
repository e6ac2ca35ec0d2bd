#!/bin/bash
# order_test.sh EXSUM - several roots, apart and inside one another, in both orders, and what is passed over below them.
. "$(dirname "$0")/common.sh"

# What exsum should write for these roots in the global order: every path, as often as roots lead to it.
global() {
        local root
        for root in "$@"; do
                find "$root" -type f -print0
        done | sort -z | xargs -0 sha256sum --
}

test_global() {
        local roots j
        for roots in tree tree/ . 'tree/sub tree' 'tree tree' 'tree tree/a tree/a-b tree/a.c tree/sub tree/sub' \
                'tree/sub/sub tree/ tree/a.c ./tree' 'tree/B tree/a tree/a-b'; do
                global $roots >../wanted
                for j in 1 2; do
                        expect 0 "$exsum" -j $j --order=global $roots
                        same "--order=global $roots" ../wanted ../out
                        silent "--order=global $roots"
                done
        done
        expect 0 "$exsum" --order=directory tree
        files_in_order tree | xargs -0 sha256sum -- >../wanted
        same "--order=directory" ../wanted ../out
}

test_roots() {
        {
                files_in_order tree/sub
                files_in_order tree
                printf 'tree/a.c\0'
                files_in_order tree/a
        } | xargs -0 sha256sum -- >../wanted
        expect 0 "$exsum" -j 2 tree/sub tree tree/a.c tree/a
        same "several roots" ../wanted ../out
        expect 0 "$exsum" tree/empty tree/empty
        [ ! -s ../out ] || fail "empty directories: $(cat ../out)"
}

test_missing() {
        sha256sum tree/a.c >../wanted
        local order
        for order in directory global; do
                expect 1 "$exsum" --order=$order tree/missing tree/a.c tree/zmissing
                same "a missing root, $order" ../wanted ../out
                says "$order" "exsum: tree/missing: No such file or directory"
                says "$order" "exsum: tree/zmissing: No such file or directory"
        done
}

# Links, sockets and fifos below a root are passed over; a root may be a link, and a fifo that is named is read.
test_special() {
        python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("tree/socket")'
        expect 0 "$exsum" tree
        silent "special files"
        ! grep -aqE 'socket|fifo|links' ../out || fail "special files were summed"
        sha256sum tree/links/file tree/a.c >../wanted
        expect 0 "$exsum" tree/links/file tree/a.c
        same "a link as a root" ../wanted ../out
        printf text | sha256sum | sed 's,-$,tree/fifo,' >../wanted
        timeout 60 "$exsum" tree/fifo >../out &
        printf text >tree/fifo
        wait $!
        same "a fifo as a root" ../wanted ../out
        expect 1 "$exsum" tree/socket
        says "a socket as a root" "exsum: tree/socket: No such device or address"
        rm tree/socket
}

mkdir here
cd here || exit 1
into=..
make_tree
rm tree/sub/big tree/sub/n[1-9][0-9]*
# The order of bytes and that of directories differ here.
mkdir 'tree/x' 'tree/x y' tree/x-y
printf 1 >tree/x/1
printf 2 >'tree/x y/2'
printf 3 >tree/x-y/3
printf 4 >tree/x.4
printf 5 >tree/x0
test_global
test_roots
test_missing
test_special
finish
