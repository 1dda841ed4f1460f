"""The command line as values, read from the parser: what completions and the man page are made from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One option or, without flags, one positional argument."""

    flags: tuple[str, ...]
    value: str | None
    """What stands for its value: FILE, DIR, K; None where it takes none."""
    choices: tuple[str, ...]
    help: str

    @property
    def wants_file(self) -> bool:
        """Whether its value is a file's name."""
        return self.value is not None and "FILE" in self.value

    @property
    def wants_directory(self) -> bool:
        """Whether its value is a directory's name."""
        return self.value == "DIR"


@dataclass(frozen=True, slots=True)
class Command:
    """The program itself or one verb."""

    name: str
    help: str
    usage: str
    options: tuple[Option, ...]
    arguments: tuple[Option, ...]
    epilog: str | None
    verbs: tuple[Command, ...] = ()


def command_tree(parser: argparse.ArgumentParser) -> Command:
    """Return the program with all its verbs."""
    return _command(parser, parser.prog)


def _command(parser: argparse.ArgumentParser, name: str) -> Command:
    actions = [action for action in parser._actions if not isinstance(action, argparse._SubParsersAction)]
    usage = " ".join(parser.format_usage().removeprefix("usage:").split())
    return Command(
        name=name,
        help=parser.description or "",
        usage=usage,
        options=tuple(_option(action) for action in actions if action.option_strings),
        arguments=tuple(_option(action) for action in actions if not action.option_strings),
        epilog=parser.epilog,
        verbs=tuple(_verbs(parser)),
    )


def _verbs(parser: argparse.ArgumentParser) -> Iterator[Command]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                yield _command(child, name)


def _option(action: argparse.Action) -> Option:
    choices = tuple(map(str, action.choices)) if action.choices is not None else ()
    takes = action.nargs != 0
    named = action.metavar if isinstance(action.metavar, str) else None
    value = named or ("|".join(choices) if choices else action.dest.upper()) if takes else None
    text = (action.help or "").replace("%%", "%")
    return Option(tuple(action.option_strings), value, choices, text)
