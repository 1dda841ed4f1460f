"""``fragtui replay``: the full screen showing a recording."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.settings import keymap_of, thresholds_of
from fragtui.commands.cli.source_options import add_look_options
from fragtui.commands.look.elsewhere import show_pipe
from fragtui.player import Player
from fragtui.sources.config.places import ConfigError
from fragtui.sources.recording.format import NotARecording
from fragtui.sources.recording.reader import read_recording
from fragtui.text import printable

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
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        report_error(args, "a replay needs a terminal")
        return Exit.USAGE
    if os.environ.get("TERM") == "dumb":
        report_error(args, "TERM=dumb: this terminal can't show a replay; of a live node, 'fragtui check' needs none")
        return Exit.USAGE
    try:
        keymap = keymap_of(args.settings)
    except ConfigError as error:
        report_error(args, str(error))
        return Exit.USAGE
    # Textual takes 200 ms of CPU, and fragtui --help imports this module too.
    from fragtui.ui.light_asyncio import import_asyncio  # noqa: PLC0415

    import_asyncio()
    from fragtui.ui.replay_app import ReplayApp  # noqa: PLC0415
    from fragtui.ui.terminal.detection import detect  # noqa: PLC0415

    if recording.damaged:
        report_error(args, f"{printable(str(args.file))}: cut off or still being written, played up to there")
    look = detect(args.theme, to_ascii=args.ascii)
    app = ReplayApp(
        lambda deliver, crash: Player(recording, deliver, crash), args.order, look, keymap, thresholds_of(args)
    )
    app.idle_exit = args.idle_exit
    app.run()
    app.say_failure()
    return app.return_code or 0
