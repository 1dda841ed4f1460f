"""``fragtui version``: the version, as ``--version``."""

from __future__ import annotations

import argparse

from fragtui import __version__
from fragtui.commands.cli.exit_status import Exit

HELP = "print the version"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add no option: there is none."""


def run(args: argparse.Namespace) -> int:
    """Print it; 0."""
    print(f"fragtui {__version__}")
    return Exit.DONE
