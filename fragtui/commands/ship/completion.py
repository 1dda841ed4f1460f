"""``fragtui completion``: completions for a shell, which shtab makes from the parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import shtab

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.parser import build

HELP = "print completions for a shell"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "shell",
        choices=shtab.SUPPORTED_SHELLS,
        metavar="|".join(shtab.SUPPORTED_SHELLS),
        help="the shell to print them for",
    )


def run(args: argparse.Namespace) -> int:
    """Print the script; 0."""
    parser = build((), whole=True)
    for action in _arguments(parser):
        if (path := _path_completion(action)) is not None:
            action.complete = path  # type: ignore[attr-defined]
    print(shtab.complete(parser, args.shell))
    return Exit.DONE


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from _arguments(child)


def _path_completion(action: argparse.Action) -> shtab.CompleteType | None:
    """Return shtab's completion of an argument that its metavar names as a file (``FILE``) or directory (``DIR``)."""
    names = action.metavar.split("|") if isinstance(action.metavar, str) else ()
    return shtab.FILE if "FILE" in names else shtab.DIRECTORY if "DIR" in names else None
