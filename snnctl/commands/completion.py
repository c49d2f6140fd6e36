"""Completion of verbs, recipes, groups, options and keys for a shell.

    snnctl completion bash > ~/.local/share/bash-completion/completions/snnctl
    snnctl completion zsh  > "${fpath[1]}/_snnctl"
    snnctl completion fish > ~/.config/fish/completions/snnctl.fish
    source <(snnctl completion bash)             only this shell

Then   snnctl tr<TAB>   snnctl train nm<TAB>   snnctl train neuron=<TAB>   snnctl train optimizer.<TAB>

Next: snnctl ls
"""

from __future__ import annotations

from snnctl.errors import UserError, did_you_mean

BASH = r"""# snnctl completion for bash
_snnctl() {
    local line="${COMP_LINE:0:$COMP_POINT}" word before
    word="${line##*[[:space:]]}"
    COMPREPLY=()
    local IFS=$'\n'
    COMPREPLY=($(snnctl completion words "$line" 2>/dev/null))
    before="${word%"${word##*[=:]}"}"    # bash has split the word there already
    [[ -n $before && $COMP_WORDBREAKS == *=* ]] && COMPREPLY=("${COMPREPLY[@]#"$before"}")
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=./] ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -F _snnctl snnctl
"""

ZSH = r"""#compdef snnctl
# snnctl completion for zsh
_snnctl() {
    local -a whole open
    local word
    for word in ${(f)"$(snnctl completion words "${LBUFFER}" 2>/dev/null)"}; do
        if [[ $word == *[=./] ]]; then open+=($word); else whole+=($word); fi
    done
    compadd -Q -S '' -a open
    compadd -Q -a whole
    (( ${#open} + ${#whole} )) || _files
}
compdef _snnctl snnctl
"""

FISH = r"""# snnctl completion for fish
complete -c snnctl -f -a '(snnctl completion words (commandline -cp | string collect) 2>/dev/null)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def run(args: list[str]) -> int:
    """`snnctl completion ...` after the verb; returns the exit code."""
    if args and args[0] == "words":
        from snnctl.config.completing import complete

        for word in complete(" ".join(args[1:])):
            print(word)
        return 0
    if len(args) != 1 or args[0] not in SCRIPTS:
        hint = did_you_mean(args[0], SCRIPTS) if args else "choose from    bash, zsh, fish"
        raise UserError("completion for which shell?", f"{hint}\nfor example    snnctl completion bash")
    print(SCRIPTS[args[0]], end="")
    return 0
