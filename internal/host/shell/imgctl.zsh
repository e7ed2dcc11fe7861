#compdef imgctl
compdef _imgctl imgctl

# zsh completion for imgctl. Nothing of the line or of a suggestion is evaluated here; compadd quotes
# what it inserts.
_imgctl() {
    local command=${(Q)words[1]} answer value help
    local -a asked values shown space
    local -i directive=0 described=0
    [[ $command == '~/'* ]] && command=$HOME/${command#'~/'}
    whence -p -- "$command" >/dev/null || command=imgctl
    asked=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
    while IFS= read -r answer; do
        if [[ $answer == :[0-9]* ]]; then
            directive=${answer#:}
            continue
        fi
        value=${answer%%$'\t'*}
        help=${${answer#$value}#$'\t'}
        values+=("$value")
        if [[ -n $help ]]; then
            described=1
            shown+=("$value  -- $help")
        else
            shown+=("$value")
        fi
    done < <(command "$command" __complete "${asked[@]}" 2>/dev/null)
    (( directive & 1 )) && return 1
    compset -P 1 '-*='
    if (( directive & 16 )); then
        _path_files -/
    elif (( ! $#values )); then
        (( directive & 4 )) && return 1
        _files
    else
        (( directive & 2 )) && space=(-S '')
        (( described )) && space+=(-l)
        compadd "${space[@]}" -d shown -a values
    fi
}

# Sourced, the function waits for compdef; read by fpath, it is called now.
[[ $funcstack[1] == _imgctl ]] && _imgctl "$@"
true
