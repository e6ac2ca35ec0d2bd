# Completion of exsum for fish.
complete -c exsum -s a -l algorithm -x -a '(exsum --algorithms 2>/dev/null | string lower)' -d 'The digest'
complete -c exsum -l algorithms -d 'List the names of all digests'
complete -c exsum -s c -l check -d 'Read lists of checksums and check the files'
complete -c exsum -l tag -d 'Lines in the form of BSD'
complete -c exsum -s z -l zero -d 'End each line with a NUL, escape no name'
complete -c exsum -l json -d 'A JSON object on each line'
complete -c exsum -l order -x -a 'directory global' -d 'The order of the lines'
complete -c exsum -l as-completed -d 'Print each line when it is there'
complete -c exsum -s j -l workers -x -d 'Run on so many threads'
complete -c exsum -l stats -d 'Tell at the end what was done, and how fast'
complete -c exsum -s h -l help -d 'Show the options'
complete -c exsum -l version -d 'Show the version'
for option in 'ignore-missing:Pass over files that are not there' 'quiet:No OK for files that are as they should be' \
        'status:Print nothing' 'strict:A line that cannot be read is a failure'
    set -l parts (string split : $option)
    complete -c exsum -n '__fish_contains_opt -s c check' -l $parts[1] -d $parts[2]
end
complete -c exsum -n '__fish_contains_opt -s c check' -s w -l warn -d 'Tell each line that cannot be read'
