"""``fragtui``: the full-screen view."""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fragtui.commands.cli.source_options import add_interval, add_source_options
from fragtui.sampler import Sampler

if TYPE_CHECKING:
    from fragtui.model.failures.kernel_log_update import KernelLogUpdate
    from fragtui.model.pods.pod_update import PodUpdate
    from fragtui.ui.wiring import BackgroundReader, PodReader

_OPEN_FILES = 40
"""What the screen, its readers and their children use, and as many again for what is open for a moment."""
_MOST_OPEN_FILES = 1024
HELP = "the full-screen view (without a verb)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the view's own options."""
    add_interval(parser)
    add_source_options(parser)
    parser.add_argument("--theme", metavar="NAME", help="a Textual theme; default by the terminal's colours")
    parser.epilog = (
        "exit status: 0 left, 1 a fault of its own, 2 wrong usage or no terminal; those of a verb: fragtui VERB --help"
    )


def run(args: argparse.Namespace) -> int:
    """Run the view until it is left; 0, or 1 after a fault of its own, 2 without a terminal."""
    # Textual takes most of the start; the other verbs never pay for it.
    from fragtui.commands.cli.startup import begin_collection, put_off_collection, without_tls

    put_off_collection()
    from fragtui.remedies.audit.path import audit_path
    from fragtui.sources.host.conditions import read_conditions
    from fragtui.sources.host.reader import NodeReader
    from fragtui.sources.recording.recorder import Recorder

    with without_tls():
        from textual.theme import BUILTIN_THEMES

        from fragtui.ui.app import FragtuiApp
        from fragtui.ui.wiring import AppDependencies

    def kernel_log(on_news: Callable[[KernelLogUpdate], None]) -> BackgroundReader:
        from fragtui.commands.cli.source_factory import kernel_log_of

        return kernel_log_of(args, reader, on_news, recorder.log_stream)

    def pods(on_news: Callable[[PodUpdate], None]) -> PodReader:
        from fragtui.commands.cli.source_factory import pods_of

        return pods_of(args, reader, on_news, recorder)

    reader = NodeReader(args.root)
    recorder = Recorder(reader.host, audit=audit_path(args.audit, args.root))
    reader.on_tick = recorder.take_tick
    if args.theme is not None and args.theme not in BUILTIN_THEMES:
        print(f"fragtui: --theme {args.theme}: expected one of {', '.join(sorted(BUILTIN_THEMES))}", file=sys.stderr)
        return 2
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("fragtui: the full screen needs a terminal; without one use 'fragtui check'", file=sys.stderr)
        return 2
    if (most := _raise_file_limit()) < _OPEN_FILES:
        print(
            f"fragtui: the full screen needs {_OPEN_FILES} open files, the limit is {most} (ulimit -n)", file=sys.stderr
        )
        return 2
    app = FragtuiApp(
        AppDependencies(
            sampler=lambda deliver, crash: Sampler(reader, deliver, crash, args.interval),
            kernel_log=kernel_log,
            pods=pods,
            read_conditions=read_conditions,
            root=reader.tree.root,
            live=reader.live,
            order=args.order,
            read_only=args.read_only,
            theme=args.theme,
            audit=args.audit,
            recorder=recorder,
            write_report=lambda: _write_report(args),
            after_bars=begin_collection,
        )
    )
    # The first reading is there by the time that the screen is laid out.
    app.sampler.start()
    app.run()
    app.say_failure()
    return app.return_code or 0


def _raise_file_limit() -> int:
    """Take as many open files as this process may have; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _OPEN_FILES <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft := min(hard, _MOST_OPEN_FILES), hard))
    return soft


def _write_report(args: argparse.Namespace) -> Path:
    from fragtui.commands.look.report import write_here

    return write_here(args.root, args.order, args.audit)
