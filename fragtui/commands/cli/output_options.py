"""Options for what a verb prints: JSON, colour, nothing but errors."""

from __future__ import annotations

import argparse
from functools import partial

_COLOUR = ("auto", "always", "never")


def add_json(
    parser: argparse.ArgumentParser,
    what: str,
    group: argparse._MutuallyExclusiveGroup | None = None,
    *,
    wide: str | None = None,
) -> None:
    """Add ``--json``, to `group` if there is one, and its equal ``-o json``; both set `args.json`.

    `wide` is the switch that ``-o wide`` equals, without its dashes.
    """
    formats = ("text", "json") if wide is None else ("text", "json", "wide")
    (group or parser).add_argument(
        "--json", action="store_true", help=f"{what} (schema 1: fields are added, never removed)"
    )
    (group or parser).add_argument(
        "-o",
        dest="json",
        action=_SetFormat,
        const=wide,
        type=partial(_known, formats),
        default=argparse.SUPPRESS,
        metavar="|".join(formats),
        help=f"output format: -o json is --json{f', -o wide is --{wide}' if wide else ''}",
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


class _SetFormat(argparse.Action):
    """Set `args.json`; for ``wide`` set the switch that `const` names."""

    def __call__(self, _: object, namespace: argparse.Namespace, values: object, __: str | None = None) -> None:
        namespace.json = values == "json"
        if values == "wide":
            setattr(namespace, self.const, True)


def _known(formats: tuple[str, ...], text: str) -> str:
    if text not in formats:
        raise argparse.ArgumentTypeError(f"{text}: expected {', '.join(formats[:-1])} or {formats[-1]}")
    return text
