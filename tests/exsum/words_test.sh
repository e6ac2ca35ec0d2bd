#!/bin/bash
# words_test.sh EXSUM - help, man page and completions name the same options; the completions complete.
source_dir=$(realpath "$(dirname "$0")/../..")
. "$(dirname "$0")/common.sh"
completion=$source_dir/tools/exsum/completion

test_options() {
        local option
        expect 0 "$exsum" --help
        grep -oE -- '--[a-z][a-z-]+' out | grep -vx -- --algorithms | sort -u >options
        [ "$(wc -l <options)" -ge 16 ] || fail "options in --help: $(cat options)"
        while read -r option; do
                sed 's/\\-/-/g' "$source_dir/docs/man/exsum.1" | grep -q -- "$option" || fail "the man page does not know $option"
                grep -q -- "$option" "$completion/exsum.bash" || fail "bash's completion does not know $option"
                grep -q -- "$option" "$completion/_exsum" || fail "zsh's completion does not know $option"
                grep -qE -- "-l ${option#--}\b|'${option#--}:" "$completion/exsum.fish" || fail "fish's completion does not know $option"
                expect 2 "$exsum" "$option-not"
        done <options
}

# complete_words WORD... - what bash offers for the last one.
complete_words() {
        COMP_WORDS=("$exsum" "$@")
        COMP_CWORD=$#
        COMPREPLY=()
        _exsum "$exsum" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        echo "${COMPREPLY[*]}"
}

offers() { # WANTED WORD...
        local wanted=$1 got
        shift
        got=$(complete_words "$@")
        [ "$got" = "$wanted" ] || fail "completion of '$*': '$got', not '$wanted'"
}

test_bash() {
        . "$completion/exsum.bash"
        [ "$(complete -p exsum)" = 'complete -F _exsum exsum' ] || fail "complete -p: $(complete -p exsum)"
        offers '--as-completed' --as
        offers '--algorithm= --algorithms' --algo
        offers 'directory global' --order =
        offers 'global' --order = g
        offers 'sha2-512 sha2-512/224 sha2-512/256' -a sha2-512
        offers 'sha3-256' --algorithm = sha3-25
        offers '' -j 1
        mkdir files
        touch files/one files/two
        offers 'files/one files/two' -c files/
}

test_syntax() {
        if command -v zsh >/dev/null; then
                zsh -n "$completion/_exsum" || fail "zsh"
        else
                echo "not tested: zsh's completion (no zsh)"
        fi
        if command -v fish >/dev/null; then
                fish -c "source $completion/exsum.fish; complete -C 'exsum --order='" >out 2>&1
                printf '%s\n' --order=directory --order=global >wanted
                same "fish" wanted <(cut -f 1 out | sort)
        else
                echo "not tested: fish's completion (no fish)"
        fi
}

test_options
test_bash
test_syntax
finish
