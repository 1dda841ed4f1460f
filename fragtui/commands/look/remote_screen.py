"""The full screen of a remote node, over a link to the stream of its fragtui."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.settings import read_only_because, thresholds_of
from fragtui.commands.look.screen_start import run_screen
from fragtui.sources.recording.link import CommandLink, PipeLink

if TYPE_CHECKING:
    from fragtui.ui.app import FragtuiApp
    from fragtui.ui.terminal.detection import TerminalLook


def show_pipe(args: argparse.Namespace) -> int:
    """Show the stream on standard input; keys come from the terminal. Return the exit status."""
    if os.isatty(0):
        report_error(
            args, "standard input is a terminal: expected a stream, such as ssh NODE fragtui record --stream -"
        )
        return Exit.USAGE
    descriptor = os.dup(0)
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        report_error(args, "a stream is shown on a terminal, and there is none")
        return Exit.USAGE
    os.dup2(terminal, 0)
    os.close(terminal)
    return show(args, PipeLink(descriptor, "stream"))


def show(args: argparse.Namespace, link: PipeLink | CommandLink) -> int:
    """Show a node until the user quits; return as `run_screen`. Removes then what was made to reach the node."""

    def make(look: TerminalLook, keymap: dict[str, tuple[str, ...]]) -> FragtuiApp:
        from fragtui.streamed_node import StreamedNode  # noqa: PLC0415  # See run_screen.
        from fragtui.ui.replay_app import StreamApp  # noqa: PLC0415

        return StreamApp(
            lambda deliver, crash: StreamedNode(link, deliver, crash),
            args.order,
            look,
            keymap,
            thresholds_of(args),
            read_only_because(args),
        )

    try:
        return run_screen(args, "the full screen", make)
    finally:
        if link.node is not None and (left := link.node.leave()) is not None:
            report_error(args, left)
