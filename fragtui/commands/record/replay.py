"""``fragtui replay``: the full screen showing a recording."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.settings import thresholds_of
from fragtui.commands.cli.source_options import add_look_options
from fragtui.commands.look.remote_screen import show_pipe
from fragtui.commands.look.screen_start import run_screen
from fragtui.player import Player
from fragtui.sources.recording.format import NotARecording
from fragtui.sources.recording.reader import read_recording
from fragtui.text import printable

if TYPE_CHECKING:
    from fragtui.ui.app import FragtuiApp
    from fragtui.ui.terminal.detection import TerminalLook

HELP = "show a recording on the full screen: play, seek, jump from incident to incident"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="made by fragtui record, or by w r on the screen; - is a stream on standard input, shown live",
    )
    add_look_options(parser)


def run(args: argparse.Namespace) -> int:
    """Run the screen until the user quits; return 0, 1 after an internal error, 2 if there is nothing to show."""
    if args.file == Path("-"):
        return show_pipe(args)
    try:
        recording = read_recording(args.file)
    except NotARecording as problem:
        report_error(args, f"{printable(str(args.file))}: {problem}")
        return Exit.USAGE
    if recording.damaged:
        report_error(args, f"{printable(str(args.file))}: cut off or still being written, played up to there")

    def make(look: TerminalLook, keymap: dict[str, tuple[str, ...]]) -> FragtuiApp:
        from fragtui.ui.replay_app import ReplayApp  # noqa: PLC0415  # See run_screen.

        return ReplayApp(
            lambda deliver, crash: Player(recording, deliver, crash), args.order, look, keymap, thresholds_of(args)
        )

    return run_screen(args, "a replay", make)
