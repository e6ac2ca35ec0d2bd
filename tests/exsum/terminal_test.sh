#!/bin/bash
# terminal_test.sh EXSUM - the progress line: on a terminal only, and never in what is printed.
. "$(dirname "$0")/common.sh"

# on_terminal ARGUMENT... - standard error is a terminal of 100 columns, standard output is ./out; what the terminal got
# is in ./seen. The last of the files is a fifo, which has something only when a line of progress was drawn.
on_terminal() {
        { TERM=xterm script -qefc "stty cols 100; timeout --foreground 100 '$exsum' $* >out; echo \$? >status" /dev/null </dev/null; } >seen &
        until_true 30 has_progress
        printf text >fifo
        wait $!
        [ "$(cat status)" -eq 0 ] || fail "$* on a terminal ended with $(cat status): $(cat -v seen)"
}

has_progress() {
        tr '\r' '\n' <seen | grep -qE '^\[=* *\] +[0-9]+ %  [0-9]+ files  [0-9.]+ [kMG]?B  [0-9.]+ [kMG]?B/s  [0-9]+:[0-9][0-9] left'
}

# What is left on the screen: each line as it is when it ends, or is wiped.
screen() {
        sed $'s/.*\r\033\\[K//; s/\r$//' "$1"
}

mkdir tree
truncate -s 100M tree/large
printf 1 >tree/small
mkfifo fifo
{
        files_in_order tree | xargs -0 sha256sum --
        printf text | sha256sum | sed 's/-$/fifo/'
} >wanted

on_terminal tree fifo
same "tree" wanted out
[ -z "$(screen seen)" ] || fail "left on the screen: $(screen seen | cat -v)"
tr '\r' '\n' <seen | awk 'length($0) > 105 { exit 1 }' || fail "a line longer than the terminal is wide"

on_terminal -c wanted
printf '%s: OK\n' tree/large tree/small fifo >wanted.check
same "-c" wanted.check out

# Both on the terminal: the sums stay whole.
TERM=xterm script -qefc "stty cols 100; timeout --foreground 100 '$exsum' tree fifo" /dev/null </dev/null >seen &
until_true 30 has_progress
printf text >fifo
wait $!
screen seen | grep -F '  ' >out
same "sums on a terminal" wanted out

# No terminal, no progress.
expect 0 "$exsum" tree
silent "without a terminal"
finish
