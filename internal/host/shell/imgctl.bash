# bash completion for imgctl. Nothing of the line or of a suggestion is evaluated here: imgctl reads
# the line, and gives suggestions quoted.
__start_imgctl() {
    local command=${COMP_WORDS[0]} answer
    case $command in
        "~/"*) command=$HOME/${command#"~/"} ;;
    esac
    type -P -- "$command" >/dev/null 2>&1 || command=imgctl
    COMPREPLY=()
    while IFS= read -r answer; do
        case $answer in
            :files) compopt -o default 2>/dev/null ;;
            :folders) compopt -o dirnames 2>/dev/null ;;
            :nospace) compopt -o nospace 2>/dev/null ;;
            =*) COMPREPLY+=("${answer#=}") ;;
        esac
    done < <(command "$command" __completeBash "${COMP_LINE:0:COMP_POINT}" "${2-${COMP_WORDS[COMP_CWORD]}}" "$COMP_TYPE" 2>/dev/null)
}

complete -F __start_imgctl imgctl
