"""``fragtui man``: the man page, made from the parser."""

from __future__ import annotations

import argparse

from fragtui import __version__
from fragtui.commands.ship.command_tree import Command, Option, command_tree

HELP = "print the man page (fragtui man | man -l -)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing but the exit status: the verb takes the common options only."""
    parser.epilog = "exit status: 0 printed, 2 wrong usage"


def run(args: argparse.Namespace) -> int:
    """Print the page; 0."""
    from fragtui.commands.cli.parser import build

    print(page(command_tree(build((), whole=True))), end="")
    return 0


def page(tree: Command) -> str:
    """Return the page in the man macros of roff."""
    common = {option.flags for option in tree.options}
    lines = [
        f'.TH FRAGTUI 8 "" "fragtui {__version__}" "System Administration"',
        ".SH NAME",
        f"fragtui \\- {_text(tree.help[:1].lower() + tree.help[1:].rstrip('.'))}",
        ".SH SYNOPSIS",
        ".B fragtui",
        "[\\fIOPTION\\fR]...",
        "[\\fIVERB\\fR [\\fIARGUMENT\\fR]...]",
        ".SH DESCRIPTION",
        _text(tree.help),
        "Without a verb it is the full\\-screen view. Options that every verb takes stand before the verb or after it.",
        ".SH OPTIONS",
        *(line for option in tree.options for line in _option(option)),
        ".SH EXIT STATUS",
        _sentence((tree.epilog or "").removeprefix("Exit status: ")),
        ".SH VERBS",
    ]
    for verb in tree.verbs:
        lines += [
            f".SS {_text(verb.name)}",
            ".nf",
            f".B {_text(_short(verb.usage))}",
            ".fi",
            ".PP",
            _sentence(verb.help),
        ]
        lines += [line for argument in verb.arguments for line in _option(argument)]
        lines += [line for option in verb.options if option.flags not in common for line in _option(option)]
        lines += [".PP", _sentence(verb.epilog)] if verb.epilog else []
    lines += [
        ".SH ENVIRONMENT",
        ".TP",
        ".B NO_COLOR",
        "If set, nothing is printed in colour.",
        ".SH FILES",
        ".TP",
        ".I /var/log/fragtui/audit.jsonl",
        "What was written to the kernel, by whom, and what came of it; \\fB\\-\\-audit\\fR names another.",
    ]
    return "\n".join(lines) + "\n"


def _option(option: Option) -> list[str]:
    value = f" \\fI{_text(option.value)}\\fR" if option.value is not None and option.flags else ""
    names = ", ".join(f"\\fB{_text(flag)}\\fR{value}" for flag in option.flags)
    return [".TP", names or f"\\fI{_text(option.value or '')}\\fR", _sentence(option.help)]


def _short(usage: str) -> str:
    """Return a usage line without the options that every verb takes."""
    for common in ("[-h] ", "[--root DIR] ", "[--order K] ", "[--read-only] ", "[--audit FILE] ", "[--audit FILE]"):
        usage = usage.replace(common, "")
    return usage.strip()


def _sentence(text: str) -> str:
    text = _text(text[:1].upper() + text[1:])
    return text if text.endswith(".") else text + "."


def _text(text: str) -> str:
    """Return a text in which roff sees no request and no macro."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped
