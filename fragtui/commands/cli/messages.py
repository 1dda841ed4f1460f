"""What verbs print on standard error: lines that begin with the command."""

from __future__ import annotations

import argparse
import sys


def command_of(args: argparse.Namespace) -> str:
    """Return the command that the user typed: ``fragtui``, or ``fragtui VERB``."""
    verb = getattr(args, "verb", None)
    return f"fragtui {verb}" if verb else "fragtui"


def report_progress(args: argparse.Namespace, text: str) -> None:
    """Print a line on standard error that is no error, unless ``-q`` asks for errors only."""
    if not getattr(args, "only_errors", False):
        report_error(args, text)


def report_error(args: argparse.Namespace, text: str) -> None:
    """Print a line on standard error; `text` is printable."""
    print(f"{command_of(args)}: {text}", file=sys.stderr, flush=True)
