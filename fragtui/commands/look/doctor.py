"""``fragtui doctor``: every source with its state and what to do about it. It writes nothing and starts no remedy."""

from __future__ import annotations

import argparse
import locale
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from fragtui.commands.cli.output_options import add_json
from fragtui.commands.cli.own_command import command_for_sudo
from fragtui.commands.cli.settings import read_only_because
from fragtui.commands.cli.source_options import add_source_options
from fragtui.commands.look.node_sources import NodeSources
from fragtui.json_line import json_line
from fragtui.model.node.snapshot import Snapshot
from fragtui.model.node.source_state import AS_ROOT, SourceState
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.audit.path import audit_path
from fragtui.remedies.catalogue import Remedy, compact_all, drop_caches
from fragtui.remedies.permission import disabled_because
from fragtui.render.doctor_page import Diagnosis, doctor_json, doctor_lines
from fragtui.sources.host.file_states import file_states
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.snapshot_builder import BUDDYINFO, FileText, Tick

HELP = "list every source: what it shows, why it can't be read, and what to do"
_SECONDS = 1.8
"""Time for all sources together. A child or a read that takes longer is reported so."""
_NO_ANSWER = f"no answer within {_SECONDS:g} s"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    add_source_options(parser)
    add_json(parser, "one JSON object")
    parser.epilog = "It answers within 3 seconds, writes nothing and starts no remedy"


def run(args: argparse.Namespace) -> int:
    """Print the diagnosis; return the exit status of the epilog."""
    found = diagnose(args)
    if args.json:
        print(json_line(doctor_json(found)))
    else:
        # With Textual's colours these take 100 ms of CPU: `diagnose` imports them while the sources are read.
        from fragtui.ui.terminal.detection import detect  # noqa: PLC0415
        from fragtui.ui.widgets.glyphs import in_glyphs  # noqa: PLC0415

        glyph_set = detect().glyph_set
        for line in doctor_lines(found, shutil.get_terminal_size().columns):
            print(in_glyphs(line, glyph_set))
    return found.status


def diagnose(args: argparse.Namespace) -> Diagnosis:
    """Look at every source, all at the same time, and return what was found in time."""
    reader = NodeReader(args.root)
    sample = _Sample(reader)
    sources = NodeSources(args, reader, _SECONDS)
    terminal = _terminal(os.environ)
    sources.wait()
    sample.done.wait(sources.left)
    log, pods = sources.log_state, sources.pod_states
    sources.stop()
    host = reader.host
    return Diagnosis(
        node=host.name,
        release=host.release,
        root=str(args.root),
        uid=os.geteuid(),
        command=command_for_sudo([] if args.root == Path("/") else ["--root", str(args.root)]),
        files=sample.states(),
        log=log,
        pods=pods,
        writes=_writes(args, reader),
        terminal=terminal,
    )


class _Sample:
    """One reading of the files of /proc on a thread of its own: a read can block in the kernel."""

    def __init__(self, reader: NodeReader) -> None:
        self.done = threading.Event()
        self._reader = reader
        self._files: Mapping[str, FileText] = {}
        self._snapshot: Snapshot | None = None
        reader.on_tick = self._take
        threading.Thread(target=self._run, name="doctor-files", daemon=True).start()

    def _take(self, tick: Tick) -> None:
        self._files = tick.files

    def _run(self) -> None:
        try:
            self._snapshot = self._reader.sample()
        finally:
            self.done.set()

    def states(self) -> tuple[SourceState, ...]:
        """Return the state of each file; if a read blocks, that of buddyinfo with the file that it waits for."""
        if self._snapshot is None:
            return (SourceState(BUDDYINFO, "waiting", f"{self._reader.reading or 'the first file'}: {_NO_ANSWER}"),)
        return file_states(self._snapshot, self._files, live=self._reader.live)


def _writes(args: argparse.Namespace, reader: NodeReader) -> tuple[SourceState, ...]:
    """Return whether the remedies could run: found by opening their files for writing, without a write."""
    audit = AuditLog(audit_path(args.audit, args.root))
    trials: tuple[tuple[str, Callable[[], str | None]], ...] = (
        ("drop caches", lambda: _why_disabled(drop_caches(3, sync=False), reader)),
        ("compaction", lambda: _why_disabled(compact_all(), reader)),
        ("audit log", audit.why_not_writable),
    )
    off = (
        f"by {because}"
        if (because := read_only_because(args)) is not None
        else None
        if reader.live
        else "for saved files: no remedy runs on them"
    )
    if off is not None:
        return tuple(SourceState(name, "off", f"switched off {off}") for name, _ in trials)
    return tuple(_write_state(name, why()) for name, why in trials)


def _why_disabled(remedy: Remedy, reader: NodeReader) -> str | None:
    return disabled_because(remedy, reader.root)


def _write_state(name: str, why: str | None) -> SourceState:
    if why is None:
        return SourceState(name, "live", "", "can be written")
    return SourceState(name, "refused", why, remedy=AS_ROOT if os.geteuid() != 0 else "")


def _terminal(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what decides how the screen is drawn."""
    from fragtui.ui.terminal.detection import detect  # noqa: PLC0415  # See run().

    look = detect()
    size = shutil.get_terminal_size((0, 0))
    return (
        ("TERM", environment.get("TERM") or "not set"),
        ("colours", look.depth.value),
        ("glyphs", look.glyph_set.value),
        ("codeset", locale.nl_langinfo(locale.CODESET) or "unknown"),
        ("size", f"{size.columns}x{size.lines}" if size.columns else "no terminal"),
    )
