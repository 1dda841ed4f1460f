"""``fragtui completion``: completions for a shell, made from the parser."""

from __future__ import annotations

import argparse

from fragtui.commands.ship.command_tree import Command, Option, command_tree

HELP = "print completions for bash, zsh or fish"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell to print them for")
    parser.epilog = (
        "bash: source <(fragtui completion bash); zsh: fragtui completion zsh > a directory of $fpath as _fragtui; "
        "fish: fragtui completion fish > ~/.config/fish/completions/fragtui.fish. "
        "Exit status: 0 printed, 2 wrong usage"
    )


def run(args: argparse.Namespace) -> int:
    """Print the script; 0."""
    from fragtui.commands.cli.parser import build

    tree = command_tree(build((), whole=True))
    print({"bash": bash, "zsh": zsh, "fish": fish}[args.shell](tree), end="")
    return 0


def bash(tree: Command) -> str:
    """Return the completions for bash."""
    valued = sorted({flag for each in (tree, *tree.verbs) for option in each.options for flag in _valued(option)})
    lines = [
        "# fragtui completions for bash: source <(fragtui completion bash)",
        "_fragtui() {",
        '    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" verb="" words="" i before=""',
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        '        case " ' + " ".join(valued) + ' " in *" $before "*) before=""; continue ;; esac',
        '        before="${COMP_WORDS[i]}"',
        '        case "$before" in ' + "|".join(verb.name for verb in tree.verbs) + ') verb="$before"; break ;; esac',
        "    done",
        '    case "$verb:$prev" in',
    ]
    for command in (tree, *tree.verbs):
        name = "" if command is tree else command.name
        for option in command.options:
            if (how := _bash_value(option)) and option.flags:
                pattern = "|".join(f"{name}:{flag}" for flag in option.flags)
                lines.append(f'        {pattern}) COMPREPLY=($(compgen {how} -- "$cur")); return ;;')
            elif option.value is not None:
                pattern = "|".join(f"{name}:{flag}" for flag in option.flags)
                lines.append(f"        {pattern}) COMPREPLY=(); return ;;")
    lines += ["    esac", '    case "$verb" in']
    for command in (tree, *tree.verbs):
        words = [flag for option in command.options for flag in option.flags]
        words += [choice for argument in command.arguments for choice in argument.choices]
        words += [verb.name for verb in command.verbs]
        name = '""' if command is tree else command.name
        lines.append(f'        {name}) words="{" ".join(words)}" ;;')
    lines += [
        "    esac",
        '    COMPREPLY=($(compgen -W "$words" -- "$cur"))',
        '    [[ -n "$verb" && ${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$cur"))',
        "    return 0",
        "}",
        "complete -o filenames -F _fragtui fragtui",
    ]
    return "\n".join(lines) + "\n"


def zsh(tree: Command) -> str:
    """Return the completions for zsh."""
    lines = ["#compdef fragtui", "_fragtui() {", "    local context state state_descr line", "    typeset -A opt_args"]
    lines.append("    _arguments -C \\")
    lines += [f"        {spec} \\" for option in tree.options for spec in _zsh_option(option)]
    lines += ["        '1: :->verb' '*:: :->rest'", "    case $state in", "    verb)", "        local -a verbs=("]
    lines += [f"            {_quoted(f'{verb.name}:{verb.help}')}" for verb in tree.verbs]
    lines += ["        )", "        _describe verb verbs ;;", "    rest)", "        case $words[1] in"]
    for verb in tree.verbs:
        specs = [spec for option in verb.options for spec in _zsh_option(option)]
        specs += [f"'*: :({' '.join(each.choices)})'" if each.choices else "'*:file:_files'" for each in verb.arguments]
        lines.append(f"        {verb.name}) _arguments {' '.join(specs)} ;;")
    lines += ["        esac ;;", "    esac", "}", 'if [ "$funcstack[1]" = _fragtui ]; then _fragtui "$@"']
    lines += ["else compdef _fragtui fragtui; fi"]
    return "\n".join(lines) + "\n"


def fish(tree: Command) -> str:
    """Return the completions for fish."""
    names = " ".join(verb.name for verb in tree.verbs)
    lines = ["# fragtui completions for fish", "complete -c fragtui -f"]
    none_yet = f"not __fish_seen_subcommand_from {names}"
    first = f"complete -c fragtui -n {_quoted(none_yet)}"
    lines += [f"{first} -a {verb.name} -d {_quoted(verb.help)}" for verb in tree.verbs]
    for command in (tree, *tree.verbs):
        when = none_yet if command is tree else f"__fish_seen_subcommand_from {command.name}"
        lines += [_fish_option(option, when) for option in command.options]
        for argument in command.arguments:
            what = f"-a {_quoted(' '.join(argument.choices))}" if argument.choices else "-F"
            lines.append(f"complete -c fragtui -n {_quoted(when)} {what} -d {_quoted(argument.help)}")
    return "\n".join(lines) + "\n"


def _valued(option: Option) -> tuple[str, ...]:
    return option.flags if option.value is not None else ()


def _bash_value(option: Option) -> str | None:
    if option.choices:
        return f'-W "{" ".join(option.choices)}"'
    if option.wants_directory:
        return "-d"
    return "-f" if option.wants_file else None


def _zsh_option(option: Option) -> list[str]:
    text = option.help.replace("[", "(").replace("]", ")").replace(":", r"\:")
    action = f"({' '.join(option.choices)})" if option.choices else "_files -/" if option.wants_directory else "_files"
    if not option.choices and not option.wants_directory and not option.wants_file:
        action = " "
    value = f":{(option.value or '').replace(':', ' ')}:{action}" if option.value is not None else ""
    return [_quoted(f"{flag}[{text}]{value}") for flag in option.flags]


def _fish_option(option: Option, when: str) -> str:
    flags = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)
    value = ""
    if option.choices:
        value = f" -x -a {_quoted(' '.join(option.choices))}"
    elif option.wants_directory:
        value = " -x -a '(__fish_complete_directories)'"
    elif option.value is not None:
        value = " -r -F" if option.wants_file else " -x"
    return f"complete -c fragtui -n {_quoted(when)} {flags}{value} -d {_quoted(option.help)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "’") + "'"
