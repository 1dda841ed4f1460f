"""How a full screen starts: the terminal is looked at, and Textual imported, only when it does."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.settings import keymap_of
from fragtui.sources.config.places import ConfigError

if TYPE_CHECKING:
    from fragtui.ui.app import FragtuiApp
    from fragtui.ui.terminal.detection import TerminalLook

Keymap = dict[str, tuple[str, ...]]


def screen_start(args: argparse.Namespace, what: str, instead: str = "") -> tuple[TerminalLook, Keymap] | None:
    """Return the look of the terminal and the keys; None if `what` can't be shown, which is reported.

    `instead` names what needs no terminal.
    """
    if not (os.isatty(0) and sys.stdout.isatty()):
        report_error(args, f"{what} needs a terminal{instead}")
        return None
    if os.environ.get("TERM") == "dumb":
        other = instead or "; of a live node, 'fragtui check' needs none"
        report_error(args, f"TERM=dumb: this terminal can't show {what}{other}")
        return None
    try:
        keymap = keymap_of(args.settings)
    except ConfigError as error:
        report_error(args, str(error))
        return None
    # Textual takes 200 ms of CPU, and --help imports this module too.
    from fragtui.ui.light_asyncio import import_asyncio  # noqa: PLC0415

    import_asyncio()
    from fragtui.ui.terminal.detection import detect  # noqa: PLC0415

    return detect(args.theme, to_ascii=args.ascii), keymap


def run_screen(args: argparse.Namespace, what: str, make: Callable[[TerminalLook, Keymap], FragtuiApp]) -> int:
    """Run an application until the user quits; return 0, 1 after an internal error, 2 without a terminal for `what`."""
    if (start := screen_start(args, what)) is None:
        return Exit.USAGE
    app = make(*start)
    app.idle_exit = args.idle_exit
    try:
        app.run()
    finally:
        app.sampler.stop()
    app.say_failure()
    return app.return_code or 0
