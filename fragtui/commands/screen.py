"""``fragtui``: the full-screen view."""

from __future__ import annotations

import argparse
import sys

from fragtui.sampler import MAX_INTERVAL, MIN_INTERVAL, Sampler

HELP = "the full-screen view (without a verb)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the view's own options."""
    parser.add_argument(
        "--interval",
        type=_interval,
        default=1.0,
        metavar="S",
        help=f"seconds between samples, {MIN_INTERVAL:g} to {MAX_INTERVAL:g} (default 1)",
    )
    parser.add_argument("--theme", metavar="NAME", help="a Textual theme; default by the terminal's colours")


def _interval(text: str) -> float:
    value = float(text)
    if not MIN_INTERVAL <= value <= MAX_INTERVAL:
        raise argparse.ArgumentTypeError(f"{text}: expected {MIN_INTERVAL:g} to {MAX_INTERVAL:g} seconds")
    return value


def run(args: argparse.Namespace) -> int:
    """Run the view until it is left; 0, or 1 after a fault of its own, 2 without a terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("fragtui: the full screen needs a terminal; without one use 'fragtui check'", file=sys.stderr)
        return 2
    # Textual takes most of the start; the other verbs never pay for it.
    from fragtui.sources.node import NodeReader
    from fragtui.ui.app import FragtuiApp, Parts

    reader = NodeReader(args.root)
    app = FragtuiApp(
        Parts(
            sampler=lambda deliver, crash: Sampler(reader, deliver, crash, args.interval),
            root=args.root,
            live=reader.live,
            order=args.order,
            read_only=args.read_only,
            theme=args.theme,
            audit=args.audit,
        )
    )
    app.run()
    app.say_failure()
    return app.return_code or 0
