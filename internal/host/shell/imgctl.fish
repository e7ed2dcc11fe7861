# fish completion for imgctl. Nothing of the line or of a suggestion is evaluated here; fish quotes
# what it inserts.
function __imgctl_suggestions
    set -l words
    if commandline --tokens-expanded -pc >/dev/null 2>&1
        set words (commandline --tokens-expanded -pc)
    else
        set words (commandline -opc)
    end
    set -l typed (commandline -ct)
    set -l last (string unescape -- "$typed")
    or set last (string replace -r -- '^[\'"]' '' "$typed")
    set -l command "$words[1]"
    command -q -- "$command"
    or set command imgctl
    # fish wants the whole word, imgctl suggests the value of --flag=value alone.
    set -l flag (string match -r -- '^-[^=]*=' "$last")
    set -l directive 0
    set -l found
    for answer in (command $command __complete $words[2..-1] "$last" 2>/dev/null)
        if string match -q -r -- '^:[0-9]+$' "$answer"
            set directive (string sub -s 2 -- "$answer")
        else if not string match -q -- '~*' "$flag$answer" # which fish would expand
            set -a found "$flag$answer"
        end
    end
    if test (math "bitand($directive, 1)") -ne 0
        return
    else if test (math "bitand($directive, 16)") -ne 0
        __fish_complete_directories "$last"
    else if set -q found[1]
        printf '%s\n' $found
    else if test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path "$last"
    end
end

complete -c imgctl -e
complete -c imgctl -f -k -a '(__imgctl_suggestions)'
