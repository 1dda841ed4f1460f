"""``fragtui``: the full-screen view."""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.own_command import command_for_sudo
from fragtui.commands.cli.settings import read_only_because, thresholds_of, trace_forbidden
from fragtui.commands.cli.source_options import add_interval, add_look_options, add_source_options, add_trace_option
from fragtui.commands.look.screen_start import screen_start
from fragtui.sampler import Sampler
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.recording.recorder import Recorder
from fragtui.text import printable

if TYPE_CHECKING:
    from fragtui.model.node.cgroup_memory import CgroupMemories
    from fragtui.model.node.consumers import Consumers
    from fragtui.model.remedy.risk import NodeConditions
    from fragtui.model.tracing.trace_batch import TraceBatch
    from fragtui.model.tracing.trace_tally import TraceTally
    from fragtui.sources.files.own_files import OwnFile
    from fragtui.sources.host.cgroups import CgroupReader
    from fragtui.sources.host.processes import ProcessReader
    from fragtui.sources.kernel_log.follower import KernelLog
    from fragtui.sources.node_readers import NodeReaders
    from fragtui.sources.pods.watcher import PodWatcher
    from fragtui.sources.saved.readers import SavedKernelLog, SavedPods
    from fragtui.sources.tracing.reader import TraceReader
    from fragtui.ui.wiring import TracePlan, Tracing

_OPEN_FILES = 40
"""Twice what the screen, its readers and their children keep open: some files are open for a moment only."""
_MAX_OPEN_FILES = 1024
HELP = "the full-screen view (without a verb)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the view's own options."""
    add_interval(parser)
    add_source_options(parser)
    add_look_options(parser)
    add_trace_option(parser)
    parser.add_argument(
        "--host",
        metavar="URL",
        help="show another node: ssh://[USER@]NODE[:PORT] or kube://[CONTEXT/]NODE, by your own ssh or kubectl",
    )
    parser.add_argument(
        "--host-program", default="fragtui", metavar="PATH", help="fragtui on that node, by ssh (default: on its PATH)"
    )
    parser.add_argument(
        "--host-image",
        metavar="IMAGE",
        help="kube: if no pod of fragtui runs there, make a privileged debug pod of this image; deleted at the end",
    )


def run(args: argparse.Namespace) -> int:
    """Run the view until the user quits; return 0, 1 after an internal error, 2 without a terminal."""
    if args.host is not None:
        return _run_remote(args)
    # Until the first bars nothing becomes garbage, and collections are a tenth of the CPU.
    gc.disable()
    if (start := screen_start(args, "the full screen", "; use 'fragtui check'")) is None:
        return Exit.USAGE
    look, keymap = start
    if (limit := _raise_file_limit()) < _OPEN_FILES:
        report_error(args, f"the full screen needs {_OPEN_FILES} open files, the limit is {limit} (ulimit -n)")
        return Exit.USAGE
    # See screen_start. The readers of logs and pods take 120 ms, the report 60 ms, the conditions of a remedy 8 ms:
    # they are imported when they are asked for, after the first bars.
    from fragtui.ui.app import FragtuiApp  # noqa: PLC0415
    from fragtui.ui.wiring import AppDependencies  # noqa: PLC0415

    @cache
    def readers() -> NodeReaders[KernelLog | SavedKernelLog, PodWatcher | SavedPods]:
        # Called by the first of the two readers: the first bars need none of these imports.
        from fragtui.commands.cli.source_factory import joined_readers  # noqa: PLC0415

        return joined_readers(args, reader, recorder.log_stream, recorder, hold=True)

    reader = NodeReader(args.root)
    recorder = Recorder(reader.host, audit=lambda: _audit_file(args))
    reader.on_tick = recorder.take_tick
    traces = _Traces()
    app = FragtuiApp(
        AppDependencies(
            sampler=lambda deliver, crash: Sampler(reader, deliver, crash, args.interval),
            kernel_log=lambda on_update: readers().kernel_log(on_update),
            pods=lambda on_update: readers().pods(on_update),
            read_conditions=_read_conditions,
            root=reader.tree.root,
            live=reader.live,
            order=args.order,
            thresholds=thresholds_of(args),
            read_only=read_only_because(args),
            keymap=keymap,
            as_root=command_for_sudo(sys.argv[1:]) if reader.live else None,
            audit=args.audit,
            recorder=recorder,
            write_report=lambda path: _write_report(args, path, traces.copy()),
            consumers=partial(_process_reader, reader) if reader.live else None,
            tracing=_tracing(args, reader, recorder, traces) if reader.live else None,
            cgroups=partial(_cgroup_reader, reader.tree.root),
        ),
        look,
    )
    # The first snapshot is ready when the screen is laid out.
    app.sampler.start()
    app.idle_exit = args.idle_exit
    app.run()
    app.say_failure()
    return app.return_code or 0


def _run_remote(args: argparse.Namespace) -> int:
    from fragtui.commands.look.remote_screen import show  # noqa: PLC0415  # The first bars of this node don't need it.
    from fragtui.sources.recording.link import BadHost, link_of  # noqa: PLC0415

    if args.trace:
        report_error(args, "--trace: not with --host; switch it on in a fragtui on that node")
        return Exit.USAGE
    try:
        return show(args, link_of(args.host, args.host_program, args.interval, args.host_image))
    except BadHost as error:
        report_error(args, f"--host {printable(args.host)}: {error}")
        return Exit.USAGE


def _raise_file_limit() -> int:
    """Raise the limit of open files as far as this process may; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _OPEN_FILES <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft := min(hard, _MAX_OPEN_FILES), hard))
    return soft


def _audit_file(args: argparse.Namespace) -> OwnFile:
    from fragtui.remedies.audit.path import audit_path  # noqa: PLC0415  # See run().

    return audit_path(args.audit, args.root)


def _read_conditions(root: Path) -> NodeConditions:
    from fragtui.sources.host.conditions import read_conditions  # noqa: PLC0415  # See run().

    return read_conditions(root)


def _process_reader(
    reader: NodeReader, deliver: Callable[[Consumers], None], on_crash: Callable[[str], None]
) -> ProcessReader:
    from fragtui.sources.host.processes import ProcessReader  # noqa: PLC0415  # See run().

    return ProcessReader(reader.tree.root / "proc", reader.host.page_size, deliver, on_crash)


def _tracing(args: argparse.Namespace, reader: NodeReader, recorder: Recorder, traces: _Traces) -> Tracing:
    """Return what makes the readers of traces; `traces` gets the sums of the newest, for the report."""
    from fragtui.ui.wiring import Tracing  # noqa: PLC0415  # See run().

    root = reader.tree.root
    forbidden = trace_forbidden(args)
    return Tracing(
        partial(_trace_plan, root),
        partial(_trace_reader, reader, recorder, traces),
        partial(_remove_stale_traces, root),
        args.trace and forbidden is None,
        forbidden,
    )


class _Traces:
    """The sums of the newest trace: taken on the thread of its reader, copied on that of a report."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tally: TraceTally | None = None

    def begin(self) -> None:
        """Begin another."""
        from fragtui.model.tracing.trace_tally import TraceTally  # noqa: PLC0415  # See run().

        with self._lock:
            self._tally = TraceTally(time.time())

    def take(self, batch: TraceBatch) -> None:
        """Add a batch."""
        with self._lock:
            if self._tally is not None:
                self._tally.take(batch)

    def copy(self) -> TraceTally | None:
        """Return the sums, None if there was no trace."""
        with self._lock:
            return None if self._tally is None else self._tally.copy()


def _trace_plan(root: Path) -> TracePlan | str:
    # 5 ms of CPU: see run().
    from fragtui.sources.tracing.instance import (  # noqa: PLC0415
        EVENTS,
        TracingError,
        buffer_kb,
        cpu_count,
        own_path,
        tracefs,
    )
    from fragtui.ui.wiring import TracePlan  # noqa: PLC0415

    try:
        folder = tracefs(root)
    except TracingError as error:
        return str(error)
    cpus = cpu_count(folder)
    return TracePlan(str(own_path(folder)), buffer_kb(cpus), cpus, tuple(event for part in EVENTS for event in part))


def _trace_reader(
    reader: NodeReader,
    recorder: Recorder,
    traces: _Traces,
    deliver: Callable[[TraceBatch], None],
    on_crash: Callable[[str], None],
) -> TraceReader:
    from fragtui.sources.tracing.reader import TraceReader  # noqa: PLC0415  # See run().

    traces.begin()

    def take(batch: TraceBatch) -> None:
        recorder.trace(batch)
        traces.take(batch)
        deliver(batch)

    return TraceReader(reader.tree.root, take, on_crash, reader.host.version)


def _remove_stale_traces(root: Path) -> None:
    """Remove what fragtuis that were killed left in tracefs; without such a directory, nothing is imported."""
    for place in ("sys/kernel/tracing", "sys/kernel/debug/tracing"):
        with suppress(OSError):
            if any(path.name.startswith("fragtui-") for path in (root / place / "instances").iterdir()):
                from fragtui.sources.tracing.instance import remove_stale  # noqa: PLC0415  # See above.

                remove_stale(root / place)


def _cgroup_reader(
    root: Path, deliver: Callable[[CgroupMemories], None], on_crash: Callable[[str], None]
) -> CgroupReader:
    from fragtui.sources.host.cgroups import CgroupReader  # noqa: PLC0415  # See run().

    return CgroupReader(root, deliver, on_crash)


def _write_report(args: argparse.Namespace, path: Path, trace: TraceTally | None) -> None:
    from fragtui.commands.look.report import write_report  # noqa: PLC0415  # See run().

    write_report(args, path, trace)
