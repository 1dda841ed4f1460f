"""The trace on the screen: the question before it, the page, the list of denied requests, the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fragtui.kernel.tracing.event_lines import parse_events
from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.model.tracing.trace_collector import TraceCollector
from fragtui.ui.wiring import TracePlan, Tracing
from tests.support.screen import SIZES, lines_of, make_app, running, text_of, until
from tests.support.traces import saved_trace

PLAN = TracePlan("/sys/kernel/tracing/instances/fragtui-1-2-3", 128, 2, ("kmem/mm_page_alloc", "kmem/other"))
POD = "/kubepods/pod0e1fd1c8-1b2c-4d3e-8f4a-5b6c7d8e9f00/x"
Deliver = Callable[[TraceBatch], None]


class SavedTrace:
    """Delivers what a saved trace holds, as the reader of tracefs does: on start, and why it ended on stop."""

    def __init__(self, deliver: Deliver, time: float, parts: tuple[str, ...] = (), lost: int = 0) -> None:
        self._deliver, self._time, self._parts, self._lost = deliver, time, parts, lost

    def start(self) -> None:
        collector = TraceCollector(lambda pid, comm: POD)
        self._deliver(collector.batch(self._time, parts=self._parts))
        collector.take(parse_events(saved_trace("6.18"))[0])
        self._deliver(collector.batch(self._time + 5, self._lost, self._parts))

    def stop(self) -> None:
        self._deliver(TraceBatch(self._time + 9, ended=""))


class Made:
    """A `Tracing`, and how often it was asked for what."""

    def __init__(self, plan: TracePlan | str = PLAN, *, at_start: bool = False, forbidden: str | None = None,
                 parts: tuple[str, ...] = (), lost: int = 0, time: float = 1_700_000_000.0) -> None:  # fmt: skip
        self.started = self.tidied = 0
        self.tracing = Tracing(lambda: plan, self._reader, self._tidy, at_start, forbidden)
        self._parts, self._lost, self._time = parts, lost, time

    def _reader(self, deliver: Deliver, on_crash: object) -> SavedTrace:
        self.started += 1
        return SavedTrace(deliver, self._time, self._parts, self._lost)

    def _tidy(self) -> None:
        self.tidied += 1


async def test_the_key_asks_with_what_is_written_where_and_cancel_in_focus(root: Path) -> None:
    made = Made()
    async with running(make_app(root, tracing=made.tracing)) as pilot:
        await pilot.press("T")
        await until(pilot, lambda: "Trace the kernel's memory allocator?" in text_of(pilot.app))
        text = " ".join(text_of(pilot.app).replace("│", " ").split())
        assert PLAN.path in text and "128 KiB of buffer for each of 2 CPUs" in text and "kmem/other" in text
        assert pilot.app.focused is not None and pilot.app.focused.id == "cancel"
        await pilot.press("enter")
        await until(pilot, lambda: "allocator?" not in text_of(pilot.app))
        assert not made.started and pilot.app.main.session.trace is None  # type: ignore[attr-defined]


@pytest.mark.slow
async def test_a_yes_starts_it_and_shows_its_page_and_x_ends_it(root: Path) -> None:
    made = Made()
    async with running(make_app(root, tracing=made.tracing)) as pilot:
        await pilot.press("T")
        await until(pilot, lambda: "allocator?" in text_of(pilot.app))
        await pilot.pause(0.5)  # The gate takes an answer only after the question was read.
        await pilot.press("y")
        await until(pilot, lambda: "Denied requests: 64" in text_of(pilot.app))
        text = " ".join(text_of(pilot.app).replace("│", " ").split())
        assert "the counts are exact" in text and "denied-one" in text and "pod 0e1fd1…" in text
        assert "none: no request waited" in text
        assert "a makes order 2 the target" in text
        await pilot.press("a")
        await until(pilot, lambda: pilot.app.main.session.order == 2)  # type: ignore[attr-defined]
        await pilot.press("x")
        await until(pilot, lambda: "Denied requests: 64" not in text_of(pilot.app))
        session = pilot.app.main.session  # type: ignore[attr-defined]
        await until(pilot, lambda: session.trace is not None and not session.trace.running)
        await pilot.press("T")
        await until(pilot, lambda: "x starts another" in text_of(pilot.app))
        assert made.started == 1


@pytest.mark.slow
async def test_denied_requests_that_the_log_lacks_are_groups_of_the_list(root: Path) -> None:
    made = Made(at_start=True)
    async with running(make_app(root, tracing=made.tracing)) as pilot:
        await until(pilot, lambda: "64 not logged, traced since" in text_of(pilot.app))
        row = next(line for line in lines_of(pilot.app) if "denied-one" in line)
        assert "16K (order 2)" in row and "64×" in row and "not logged" in row
        assert "◉ trace" in lines_of(pilot.app)[0]
        assert made.started == 1 and pilot.app.main.session.refusals  # type: ignore[attr-defined]
        assert any("A trace of the kernel is on" in line for line in pilot.app.main.running)  # type: ignore[attr-defined]
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "The trace has 64 of these requests" in text_of(pilot.app))
        assert "fails without a report" in text_of(pilot.app)


@pytest.mark.slow
async def test_the_card_counts_them_in_place_of_the_lower_bound_of_the_log(root: Path, tmp_path: Path) -> None:
    log = tmp_path / "kern.log"
    failed = "runc: page allocation failure: order:6, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null)"
    log.write_text(
        "Nov 24 10:00:00 node-7 kernel: [ 100.0] warn_alloc: 9 callbacks suppressed\n"
        f"Nov 24 10:00:00 node-7 kernel: [ 100.1] {failed}\n"
        f"Nov 24 10:00:20 node-7 kernel: [ 120.1] {failed}\n"
    )
    made = Made(at_start=True)
    async with running(make_app(root, kernel_log=str(log), tracing=made.tracing)) as pilot:
        session = pilot.app.main.session  # type: ignore[attr-defined]
        await until(pilot, lambda: session.trace is not None and session.failures.failures > 0)
        await until(pilot, lambda: "64 more not logged" in text_of(pilot.app))
        assert "at least" not in text_of(pilot.app)
        await pilot.press("T")
        await until(pilot, lambda: "x switches it off" in text_of(pilot.app))
        await pilot.press("x")
        await until(pilot, lambda: "9 more not logged" in text_of(pilot.app))
        assert not session.trace.running


@pytest.mark.slow
async def test_lost_events_and_missing_parts_are_said(root: Path) -> None:
    made = Made(at_start=True, lost=7, parts=("waits for reclaim: this kernel has no event vmscan/x",))
    async with running(make_app(root, tracing=made.tracing)) as pilot:
        await until(pilot, lambda: "at least 64 not logged" in text_of(pilot.app))
        await pilot.press("T")
        await until(pilot, lambda: "7 events lost, so all counts are lower bounds" in text_of(pilot.app))
        assert "? waits for reclaim: this kernel has no event vmscan/x" in text_of(pilot.app)


@pytest.mark.parametrize(
    "made",
    [
        Made("tracefs is not mounted: mount it"),
        Made(forbidden="started with --read-only; --trace allows a trace all the same"),
        Made(forbidden="started with --read-only; --trace allows a trace all the same", at_start=True),
    ],
)
async def test_what_forbids_a_trace_is_said_and_nothing_starts(root: Path, made: Made) -> None:
    async with running(make_app(root, tracing=made.tracing)) as pilot:
        await pilot.press("T")
        why = "tracefs is not mounted" if made.tracing.forbidden is None else "started with --read-only"
        await until(pilot, lambda: why in text_of(pilot.app))
        assert not made.started
        if made.tracing.forbidden is not None:
            assert not made.tidied, "read-only removes nothing"


async def test_saved_files_have_no_trace(root: Path) -> None:
    async with running(make_app(root)) as pilot:
        await pilot.press("T")
        await until(pilot, lambda: "a trace needs the live node" in text_of(pilot.app))


async def test_stale_instances_are_removed_after_the_first_bars_without_a_trace(root: Path) -> None:
    made = Made()
    async with running(make_app(root, tracing=made.tracing)) as pilot:
        await until(pilot, lambda: made.tidied == 1)
        assert not made.started


@pytest.mark.slow
async def test_the_page_fits_every_size(root: Path) -> None:
    made = Made(at_start=True)
    async with running(make_app(root, tracing=made.tracing)) as pilot:
        await until(pilot, lambda: pilot.app.main.session.trace is not None)  # type: ignore[attr-defined]
        await pilot.press("T")
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: "denied-one" in text_of(pilot.app) and "requests: 64" in text_of(pilot.app))
            assert all(len(line) <= size[0] for line in lines_of(pilot.app))
