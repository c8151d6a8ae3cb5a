# completion.bash SCRIPT NEARMISS: load the completion and press the tab key.
#
# Expected words are held against the tool itself: the subcommands and options are those
# of its own --help, and so are the values of --action and the like.
script=$1
nearmiss=$2
failures=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
touch 'one file.conf' two.conf

# shellcheck source=/dev/null
source "$script" || exit 1

# What is offered at the end of the words given, the last of which is being typed.
offered() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _nearmiss 2>/dev/null
    if ((${#COMPREPLY[@]} > 0)); then
        printf '%s\n' "${COMPREPLY[@]}" | sort
    fi
}

# same WHAT EXPECTED GOT: both as lines.
same() {
    if [ "$2" != "$3" ]; then
        echo "$1:"
        diff <(echo "$2") <(echo "$3") | sed 's/^/    /'
        failures=$((failures + 1))
    fi
}

lines() {
    printf '%s\n' "$@" | sort
}

complete -p nearmiss >/dev/null || exit 1

# The subcommands of --help, which stand indented by two.
names=$("$nearmiss" --help | sed -n 's/^  \([a-z]*\( [a-z-]*\)\?\)  .*/\1/p')
same 'subcommands' "$( (echo --help; echo --version; echo "$names" | cut -d' ' -f1) | sort -u)" \
    "$(offered nearmiss '')"
same 'a beginning' "$(lines check config)" "$(offered nearmiss c)"
same 'nothing begins so' '' "$(offered nearmiss xyz)"

for group in config audit allow history quarantine; do
    same "$group" \
        "$( (echo --help; echo "$names" | sed -n "s/^$group //p") | sort)" \
        "$(offered nearmiss "$group" '')"
done

count=0
while read -r first second; do
    words=("$first" ${second:+"$second"})
    same "options of ${words[*]}" \
        "$("$nearmiss" "${words[@]}" --help |
            sed -n 's/^  \(-., \|    \)\(--[a-z]*\).*/\2/p' | sort -u)" \
        "$(offered nearmiss "${words[@]}" -- | grep -v '^-.$')"
    same "-c of ${words[*]}" "$("$nearmiss" "${words[@]}" --help | grep -o '^  -c')" \
        "$(offered nearmiss "${words[@]}" -c | sed 's/^/  /')"
    count=$((count + 1))
done <<<"$names"
((count == 25)) || { echo "$count subcommands"; failures=$((failures + 1)); }

# The tool lists the values of these when it is given a wrong one.
for option in --format --action --technique --match --outcome; do
    same "values of $option" \
        "$("$nearmiss" audit list "$option" ' ' 2>&1 |
            sed -n 's/.* is one of \(.*\), not .*/\1/p' | sed 's/; did you mean.*//' |
            sed 's/, \| or /\n/g' | sort)" \
        "$(offered nearmiss audit list "$option" '')"
done
same 'a value begun' 'suffix' "$(offered nearmiss audit list --technique suf)"
same 'a value that is free' '' "$(offered nearmiss audit list --sender '')"
same 'a file' "$(lines 'one file.conf' two.conf)" "$(offered nearmiss check -c '')"
same 'a file begun' 'two.conf' "$(offered nearmiss audit show --database tw)"
same 'no files for an address' '' "$(offered nearmiss check tw)"

echo "$failures differ"
((failures == 0))
