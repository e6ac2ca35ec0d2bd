# Completion of exsum for bash.
_exsum() {
        local current=$2 option=$3
        local options='-a --algorithm= --algorithms -c --check --tag -z --zero --json --order= --as-completed
                -j --workers= --stats -h --help --version --ignore-missing --quiet --status --strict -w --warn'

        # Bash takes --order=x apart at the sign.
        if [[ ${COMP_WORDS[COMP_CWORD]} == = ]]; then
                current=
        elif [[ $option == = ]]; then
                option=${COMP_WORDS[COMP_CWORD - 2]}
        fi
        COMPREPLY=()
        case $option in
        -a | --algorithm)
                mapfile -t COMPREPLY < <(compgen -W "$("$1" --algorithms 2>/dev/null | tr '[:upper:]' '[:lower:]')" -- "$current")
                ;;
        --order) mapfile -t COMPREPLY < <(compgen -W 'directory global' -- "$current") ;;
        -j | --workers) ;;
        *)
                if [[ $current == -* ]]; then
                        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
                        [[ ${COMPREPLY-} != *= ]] || compopt -o nospace 2>/dev/null
                else
                        mapfile -t COMPREPLY < <(compgen -f -- "$current")
                        compopt -o filenames 2>/dev/null
                fi
                ;;
        esac
}
complete -F _exsum exsum
