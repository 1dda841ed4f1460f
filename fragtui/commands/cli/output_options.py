"""Options for what a verb prints: JSON, colour, nothing but errors."""

from __future__ import annotations

import argparse

_FORMATS = ("text", "json")
_COLOUR = ("auto", "always", "never")


def add_json(parser: argparse.ArgumentParser, what: str, group: argparse._MutuallyExclusiveGroup | None = None) -> None:
    """Add ``--json``, to `group` if there is one, and its equal ``-o json``; both set `args.json`."""
    (group or parser).add_argument(
        "--json", action="store_true", help=f"{what} (schema 1: fields are added, never removed)"
    )
    (group or parser).add_argument(
        "-o",
        dest="json",
        type=_is_json,
        default=argparse.SUPPRESS,
        metavar="|".join(_FORMATS),
        help="output format: -o json is --json",
    )


def add_color(parser: argparse.ArgumentParser) -> None:
    """Add ``--color``; see `takes_colour`."""
    parser.add_argument(
        "--color",
        choices=_COLOUR,
        default="auto",
        metavar="|".join(_COLOUR),
        help="colour; auto: on a terminal, unless NO_COLOR is set",
    )


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add ``-q``: the command line then discards standard output, and `report_progress` prints nothing."""
    parser.add_argument("-q", dest="only_errors", action="store_true", help="print only errors; the exit status counts")


def _is_json(text: str) -> bool:
    if text not in _FORMATS:
        raise argparse.ArgumentTypeError(f"{text}: expected {' or '.join(_FORMATS)}")
    return text == "json"
