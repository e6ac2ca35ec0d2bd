#!/bin/bash
# interrupt_test.sh EXSUM - SIGINT: stops at once, wherever it waits, says how far it came, status 130.
. "$(dirname "$0")/common.sh"

input=/dev/null

# Jobs of a script ignore SIGINT; a user's do not.
start() {
        env --default-signal=INT "$exsum" "$@" <$input >out 2>err &
        pid=$!
        until_true 30 is_running
}

is_running() {
        [ "$(readlink /proc/$pid/exe)" = "$exsum" ]
}

# interrupt WHAT FILES BYTES - what it should say.
interrupt() {
        local status
        kill -INT $pid
        wait $pid
        status=$?
        [ $status -eq 130 ] || fail "$1: status $status"
        grep -qE "^exsum: interrupted after $2 files, $3 bytes in [0-9.]+ s$" err || fail "$1 said: $(cat err)"
        [ "$(wc -l <err)" -eq 1 ] || fail "$1 said more: $(cat err)"
}

is_waiting() { # FILE: exsum has it open
        ls -l /proc/$pid/fd 2>/dev/null | grep -q "$1"
}

has_lines() { # N FILE
        [ "$(wc -l <"$2")" -eq "$1" ]
}

mkdir few
printf 1 >few/a
printf 22 >few/b
sha256sum few/a few/b >wanted
truncate -s 1T few/c # takes a quarter of an hour at least
printf 4 >few/d

# In the midst of a large file: what came before it is there, and nothing else.
start -j 2 few
until_true 30 has_lines 2 out
interrupt "a large file" 2 3
same "a large file" wanted out
for options in '-j 1' '-j 1 --as-completed' '-j 2 --as-completed' '-j 2 --order=global' '-j 2 --json'; do
        start $options few
        until_true 30 is_waiting few/c
        interrupt "a large file, $options" '[0-3]' '[0-4]'
done
sed 's/.*  //; s/$/: OK/' wanted >wanted.check
{ cat wanted; sed '1!d; s,few/a,few/c,' wanted; sha256sum few/d; } >list
start -c -j 2 list
until_true 30 has_lines 2 out
interrupt "a check" 2 3
same "a check" wanted.check out

# Where it waits for somebody else: a fifo that nobody writes to, one that is written to, standard input, a list.
mkfifo fifo
start few/a fifo
until_true 30 is_waiting fifo
interrupt "a fifo without a writer" 1 1
start fifo
exec 3>fifo
printf text >&3
until_true 30 is_waiting fifo
interrupt "a fifo that stays open" 0 0
exec 3>&-
mkfifo silence
exec 4<>silence
input=silence
start few/a -
until_true 30 has_lines 1 out
interrupt "standard input" 1 1
start -c few/missing -
until_true 30 has_lines 1 err
until_true 30 is_waiting silence
kill -INT $pid
wait $pid
[ $? -eq 130 ] || fail "a list: no status 130"
tail -n 1 err | grep -q '^exsum: interrupted after 0 files, 0 bytes in ' || fail "a list said: $(cat err)"
input=/dev/null

# Nobody reads what it writes: the first request cannot be followed, the second ends it.
mkdir many
seq -f 'many/%05g' 5000 | xargs touch
env --default-signal=INT "$exsum" many >silence 2>err &
pid=$!
has_filled_pipe() {
        [ "$(sed -n 's/^wchar: //p' /proc/$pid/io)" -ge 65536 ]
}
until_true 30 is_running
until_true 30 has_filled_pipe
# Two that come before the first is taken are one: so more are sent, until it has ended.
is_ended_by_another() {
        kill -INT $pid
        sleep 0.1
        ! is_running
}
sleep 0.2
kill -INT $pid
sleep 0.2
is_running || fail "one SIGINT ended it, and it could not write"
until_true 60 is_ended_by_another
wait $pid
[ $? -eq 130 ] || fail "two SIGINTs: no status 130"
exec 4>&-

# In the background of a shell SIGINT is none of its business.
"$exsum" few/a fifo >out 2>err &
pid=$!
until_true 30 is_waiting fifo
kill -INT $pid
: >fifo
wait $pid || fail "SIGINT that was ignored ended it with $?"
has_lines 2 out || fail "SIGINT that was ignored: $(cat out err)"
finish
