"""The full screen of ``fragtui fleet``, and from it the screen of one node live."""

from __future__ import annotations

import argparse
import gc
from typing import TYPE_CHECKING

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.source_options import add_look_options
from fragtui.commands.look.screen_start import screen_start
from fragtui.text import printable

if TYPE_CHECKING:
    from fragtui.model.fleet.fleet import FleetSource
    from fragtui.sources.recording.link import CommandLink
    from fragtui.ui.fleet.live_command import LiveCommand


def add_screen_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the screen alone."""
    parser.add_argument(
        "--live",
        choices=("ssh", "kube"),
        help="how Enter on a node's screen shows it live: by your own ssh or kubectl (default: asks)",
    )
    parser.add_argument(
        "--host-program", default="fragtui", metavar="PATH", help="fragtui on a node, by ssh (default: on its PATH)"
    )
    parser.add_argument(
        "--host-image",
        metavar="IMAGE",
        help="kube: if no pod of fragtui runs on a node, make a privileged debug pod of this image; deleted at the end",
    )
    add_look_options(parser)


def show_fleet(args: argparse.Namespace, source: FleetSource, server: str) -> int:
    """Show the fleet until the user quits; return 0, 1 after an internal error, 2 without a terminal.

    `server` is its URL without credentials.
    """
    if (start := screen_start(args, "the full screen", "; --once prints the fleet")) is None:
        return Exit.USAGE
    gc.disable()  # Until the readers start: see the command of the screen.
    # See screen_start.
    from fragtui.ui.fleet.app import LiveWays, run_fleet  # noqa: PLC0415
    from fragtui.ui.fleet.view import FleetView  # noqa: PLC0415

    view = FleetView(server=server, match=printable(args.match.strip("{} ")), interval=args.every, label=args.group_by)
    ways = LiveWays(lambda url: _command(args, url), lambda url: _show_live(args, url), args.live)
    return run_fleet(source, view, ways, *start, args.idle_exit)


# A stream's reader takes 15 ms of CPU: it is imported for a node that is shown live.


def _show_live(args: argparse.Namespace, url: str) -> int:
    from fragtui.commands.look.remote_screen import show  # noqa: PLC0415

    return show(args, _link(args, url))


def _command(args: argparse.Namespace, url: str) -> LiveCommand:
    from fragtui.sources.recording.remote_shell import LinkError  # noqa: PLC0415
    from fragtui.ui.fleet.live_command import LiveCommand  # noqa: PLC0415

    try:
        return LiveCommand(_link(args, url).shown())
    except LinkError as error:
        return LiveCommand(str(error), usable=False)


def _link(args: argparse.Namespace, url: str) -> CommandLink:
    from fragtui.sources.recording.link import link_of  # noqa: PLC0415

    return link_of(url, args.host_program, image=args.host_image)
