"""The full screen without a terminal: the real application over a host made of files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from textual.pilot import Pilot

from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, Thresholds
from fragtui.sampler import Sampler
from fragtui.sources.host.cgroups import CgroupReader
from fragtui.sources.host.conditions import read_conditions
from fragtui.sources.host.processes import ProcessReader
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.kernel_log.follower import KernelLog
from fragtui.sources.node_readers import NodeReaders
from fragtui.sources.pods.watcher import PodWatcher
from fragtui.sources.recording.recorder import Recorder
from fragtui.ui.app import FragtuiApp
from fragtui.ui.keys import KeyMap
from fragtui.ui.terminal.detection import TerminalLook
from fragtui.ui.widgets.rows import Line
from fragtui.ui.wiring import AppDependencies, Tracing

SIZES = [(60, 20), (80, 24), (120, 40), (200, 50)]


def make_app(
    root: Path,
    *,
    kernel_log: str = "none",
    kubelet_log: str = "none",
    interval: float = 0.2,
    order: int | None = None,
    read_only: bool = False,
    as_root: str | None = None,
    look: TerminalLook | None = None,
    audit: Path | None = None,
    keymap: KeyMap | None = None,
    write_report: Callable[[Path], object] | None = None,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    processes: bool = False,
    tracing: Tracing | None = None,
    cgroups: bool = False,
) -> FragtuiApp:
    """Return the application as the command line makes it."""
    reader = NodeReader(root)
    recorder = Recorder(reader.host, audit=audit)
    reader.on_tick = recorder.take_tick
    readers = NodeReaders(
        lambda on_update: KernelLog(root, kernel_log, on_update, recorder.log_stream),
        lambda on_update: PodWatcher(root, kubelet_log, None, on_update, recorder=recorder),
    )
    return FragtuiApp(
        AppDependencies(
            sampler=lambda deliver, crash: Sampler(reader, deliver, crash, interval),
            kernel_log=readers.kernel_log,
            pods=readers.pods,
            read_conditions=read_conditions,
            root=root,
            live=reader.live,
            order=order,
            thresholds=thresholds,
            read_only="--read-only" if read_only else None,
            keymap=keymap or {},
            as_root=as_root,
            audit=audit,
            write_report=write_report,
            recorder=recorder,
            consumers=partial(ProcessReader, root / "proc", reader.host.page_size) if processes else None,
            tracing=tracing,
            cgroups=partial(CgroupReader, root) if cgroups else None,
        ),
        look,
    )


@asynccontextmanager
async def running(app: FragtuiApp, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[int]]:
    """Run the application until its first snapshot is shown with the view's state, and to its end."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.main.session.snapshot is not None)
        await until(pilot, lambda: app.main.session.status != ())
        await pilot.pause()
        yield pilot
        assert app.outlived == [], "a fault that the screen went on after"


async def until(pilot: Pilot[int], condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s; the screen was:\n{text_of(pilot.app)}"
        await asyncio.sleep(0.02)
        await pilot.pause()


def lines_of(app: object) -> list[str]:
    """Return the screen as lines of text."""
    screen = app.screen  # type: ignore[attr-defined]
    return [strip.text for strip in screen._compositor.render_strips()]


def text_of(app: object) -> str:
    """Return the screen as text."""
    return "\n".join(lines_of(app))


def texts_of(lines: Iterable[Line]) -> list[str]:
    """Return the text of lines that a panel or a page has made."""
    return ["".join(text for text, _ in row.spans) for row in lines]


def words_of(app: FragtuiApp, page: str) -> str:
    """Return all text of a page (a selector) or dialog, what is scrolled away included, with single spaces."""
    return " ".join(" ".join(texts_of(app.screen.query_one(page)._lines)).split())  # type: ignore[attr-defined]
