"""``fragtui help``: the help of fragtui or of a verb."""

from __future__ import annotations

import argparse

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.parser import build
from fragtui.commands.cli.verbs import VERBS

HELP = "print the help, or that of a verb"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("topic", nargs="?", choices=tuple(VERBS), metavar="VERB", help="the verb to print it for")


def run(args: argparse.Namespace) -> int:
    """Print it; 0."""
    words = ["--help"] if args.topic is None else [args.topic, "--help"]
    try:
        build(words).parse_args(words)
    except SystemExit as printed:
        return int(printed.code or 0)
    return Exit.DONE
