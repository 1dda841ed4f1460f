"""``fragtui man``: the man page, which argparse-manpage makes from the parser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from fragtui import __version__
from fragtui.commands.cli.parser import build, common_options

try:
    from argparse_manpage.manpage import Manpage
except ImportError:
    Manpage = None

HELP = "print the man page (fragtui man | man -l -)"
_USE = "Without a verb it is the full-screen view. Options that every verb takes come before the verb or after it."
_ENVIRONMENT = ".TP\n.B NO_COLOR\nIf it is set, nothing is printed in colour."
_FILES = """\
.TP
.I /var/log/fragtui/audit.jsonl
What was written to the kernel, who asked for it, and the result; \\fB\\-\\-audit\\fR names another file."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add only the exit status: the verb takes the common options and no others."""
    parser.epilog = "exit status: 0 printed, 1 argparse-manpage is not installed, 2 wrong usage"


def run(args: argparse.Namespace) -> int:
    """Print the page; 0, or 1 without argparse-manpage."""
    if Manpage is None:
        print("fragtui man: argparse-manpage is not installed: pip install 'fragtui[man]'", file=sys.stderr)
        return 1
    print(_page(build((), whole=True)), end="")
    return 0


def _page(parser: argparse.ArgumentParser) -> str:
    """Return the page in roff."""
    summary = (parser.description or "").rstrip(".")
    status, parser.epilog = (parser.epilog or "").removeprefix("Exit status: "), None
    parser.description = f"{parser.description} {_USE}"
    # No text is wrapped here: a line that then begins with a dot would be a request to roff.
    parser.formatter_class = _unwrapped
    common = [action.option_strings for action in common_options()._actions]
    for verb in _verbs(parser):
        # The library prints a verb's help already, and not its epilog.
        verb.description = verb.epilog
        for action in verb._actions:
            if action.option_strings in common:
                action.help = argparse.SUPPRESS
    page = Manpage(parser, format="single-commands-section")
    page.section = 8
    page.manual = "System Administration"
    page.source = f"fragtui {__version__}"
    page.description = summary
    for heading, text in (("exit status", status), ("environment", _ENVIRONMENT), ("files", _FILES)):
        page.add_section(heading, "=", text)
    return str(page)


def _verbs(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def _unwrapped(prog: str) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, width=1 << 20)
