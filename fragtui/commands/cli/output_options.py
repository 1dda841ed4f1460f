"""Options for what a verb prints: JSON, colour, nothing but errors."""

from __future__ import annotations

import argparse
import os
from typing import IO

_FORMATS = ("text", "json")
_COLOUR = ("auto", "always", "never")


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--json`` and its equal ``-o json``; both set `args.json`."""
    parser.add_argument("--json", action="store_true", help=f"{what} (schema 1: fields are added, never removed)")
    parser.add_argument(
        "-o",
        dest="json",
        type=_is_json,
        default=argparse.SUPPRESS,
        metavar="|".join(_FORMATS),
        help="output format: -o json is --json",
    )


def add_color(parser: argparse.ArgumentParser) -> None:
    """Add ``--color``; see `use_colour`."""
    parser.add_argument(
        "--color",
        choices=_COLOUR,
        default="auto",
        metavar="|".join(_COLOUR),
        help="colour; auto: on a terminal, unless NO_COLOR is set",
    )


def use_colour(choice: str, stream: IO[str]) -> bool:
    """Return whether to print colour: what ``--color`` asks for, else NO_COLOR (no-color.org), else the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    try:
        return stream.isatty()
    except ValueError:  # It is closed.
        return False


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add ``-q``: the command line then discards standard output, and `report_progress` prints nothing."""
    parser.add_argument("-q", dest="only_errors", action="store_true", help="print only errors; the exit status counts")


def _is_json(text: str) -> bool:
    if text not in _FORMATS:
        raise argparse.ArgumentTypeError(f"{text}: expected {' or '.join(_FORMATS)}")
    return text == "json"
