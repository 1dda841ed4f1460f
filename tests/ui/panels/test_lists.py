"""The lists of zones, failures and pods: keys, mouse, filter, folding, and a selection that stays on its item."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual import events
from textual.pilot import Pilot

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import CONFIDENCES, PodCause, StuckPods
from fragtui.ui.app import FragtuiApp
from fragtui.ui.clock import CLOCK
from fragtui.ui.messages import KernelLogUpdated, PodsUpdated
from fragtui.ui.panels.failures import FailuresPanel
from fragtui.ui.panels.pods import OtherPods, PodsPanel
from fragtui.ui.panels.zones import ZonesPanel, short
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import fit_name
from fragtui.ui.widgets.framed import FramedPanel
from fragtui.ui.widgets.list_panel import ListPanel
from fragtui.ui.widgets.rows import Line, LinesWidget
from tests.support.crowd import BY_MEMORY, FAILURES, PODS, failure, failures, pod, pods
from tests.support.examples import examples
from tests.support.host_tree import HostTree
from tests.support.screen import SIZES, lines_of, make_app, running, text_of, texts_of, until


@asynccontextmanager
async def crowded(path: Path, size: tuple[int, int]) -> AsyncIterator[tuple[FragtuiApp, Pilot[int]]]:
    """Run the screen over many zones, failures and pods."""
    HostTree.numa(path, nodes=16)
    app = make_app(path, interval=60.0)
    app.readers.stop()  # Their updates would replace these.
    async with running(app, size) as pilot:
        session = app.main.session
        app.post(KernelLogUpdated(failures()))
        app.post(PodsUpdated(pods()))
        await until(pilot, lambda: len(session.listed_pods) == PODS and session.failures.failures == FAILURES)
        await pilot.pause()
        yield app, pilot


def grounds(app: FragtuiApp) -> list[str]:
    """Return the ids of the panels one of whose rows has the selection's ground."""
    shown = [panel for panel in app.main.dashboard.lists if panel.display]
    return [panel.id or "" for panel in shown if any(_has_ground(row) for row in panel._lines)]


def _has_ground(row: Line) -> bool:
    return row.ground == "selected" or any(role == "selected" for _, role in row.spans)


async def keys(pilot: Pilot[int], *names: str) -> None:
    await pilot.press(*names)
    await pilot.pause()


async def mouse(pilot: Pilot[int], panel: ListPanel[Any], row: int, clicks: int = 1) -> None:
    await pilot.click(panel, offset=(4, row), times=clicks)
    await pilot.pause()


async def wheel(pilot: Pilot[int], panel: ListPanel[Any], kind: type[events.MouseEvent]) -> None:
    x, y = panel.region.x + 4, panel.region.y + 1
    pilot.app.post_message(kind(None, x, y, 0, 0, 0, False, False, False, x, y))
    await pilot.pause()
    await pilot.pause()


@pytest.mark.slow
@pytest.mark.parametrize(
    "size",
    [pytest.param(size, marks=pytest.mark.by_hand if size[0] in (80, 200) else ()) for size in SIZES],
    ids=[f"{w}x{h}" for w, h in SIZES],
)
async def test_keys_wheel_and_clicks_move_in_every_list(tmp_path: Path, size: tuple[int, int]) -> None:
    async with crowded(tmp_path, size) as (app, pilot):
        for kind in (ZonesPanel, FailuresPanel, PodsPanel):
            panel: ListPanel[Any] = app.main.dashboard.panel(kind)
            app.main.set_focus(panel)
            if kind is PodsPanel:
                await keys(pilot, "G", "enter")  # Unfolds the others.
            alone = kind is not ZonesPanel or size[1] < 30  # Small screens show 16 NUMA nodes as one row.
            if alone:
                await keys(pilot, "z")
            room = len(panel._shown)
            count = len(panel.items())
            assert count > 4
            await keys(pilot, "G")
            assert panel._at == count - 1 and panel._shown.stop == count
            positions = (f"-{count} of {count}", f" {count}/{count}\n")  # In brief beside columns that leave no room.
            assert room == count or any(position in text_of(app) for position in positions)
            await keys(pilot, "g")
            assert panel._at == 0 and panel._shown.start == 0
            await keys(pilot, "down", "j", "up", "k", "down")
            assert panel._at == 1
            await keys(pilot, "pagedown")
            assert panel._at == min(count - 1, 1 + max(1, room - 1)) and panel._at in panel._shown
            await keys(pilot, "pageup", "home", "end", "home")
            assert panel._at == 0
            selected = panel.selected_key
            await wheel(pilot, panel, events.MouseScrollDown)
            assert panel._shown.start == min(count - room, 3, max(1, room // 2)) and panel.selected_key == selected
            await wheel(pilot, panel, events.MouseScrollUp)
            assert panel._shown.start == 0
            await mouse(pilot, panel, panel._head + min(1, room - 1))
            assert panel._at == min(1, room - 1)
            assert grounds(app) == [panel.id], "one selection"
            assert {cell_len(row) for row in lines_of(app)} == {size[0]}
            if alone:
                await keys(pilot, "z")
                assert sum("▸" in row for row in lines_of(app)) >= 2 - (size == SIZES[0]), "the others keep the mark"


@pytest.mark.slow
async def test_a_click_focuses_and_a_second_one_opens(tmp_path: Path) -> None:
    async with crowded(tmp_path, (200, 50)) as (app, pilot):
        pods_panel, failed = app.main.dashboard.panel(PodsPanel), app.main.dashboard.panel(FailuresPanel)
        await mouse(pilot, pods_panel, pods_panel._head + 1)
        assert app.main.focused is pods_panel and pods_panel._at == 1 and len(app.screen_stack) == 1
        await mouse(pilot, pods_panel, 0)
        assert pods_panel._at == 1, "the heading is no row"
        await mouse(pilot, pods_panel, pods_panel._head + 2, clicks=2)
        assert len(app.screen_stack) == 2
        assert "Pod payments-production" in text_of(app)
        await keys(pilot, "escape")
        await mouse(pilot, failed, failed._head, clicks=2)
        assert len(app.screen_stack) == 1 and failed._unfolded, "a group unfolds first"
        await mouse(pilot, failed, failed._head + 1, clicks=2)
        await until(pilot, lambda: "Report: " in text_of(app))


@pytest.mark.slow
async def test_groups_unfold_and_escape_takes_back_one_thing_at_a_time(tmp_path: Path) -> None:
    async with crowded(tmp_path, (120, 40)) as (app, pilot):
        session, panel = app.main.session, app.main.dashboard.panel(FailuresPanel)
        await keys(pilot, "tab", "z")
        groups = len(session.failures.rows)
        assert groups < 40 and f" of {groups} groups" in text_of(app)
        assert session.failures.rows[0].last.id == "k130", "the newest first"
        first = panel.chosen
        assert first is not None
        await keys(pilot, "right")
        assert len(panel.items()) == groups + len(first.group.incidents)
        await keys(pilot, "down", "left")
        assert panel.chosen == first and len(panel.items()) == groups, "folding a member selects its group"
        await keys(pilot, "enter", "space", "slash", *"evil")
        matching = sum("evil" in (failure(n).comm or "") for n in range(FAILURES))
        assert f"{matching} of {FAILURES} match 'evil_'" in text_of(app)
        assert {row.group.last.comm for row in panel.items()} == {"[/red]evil[b]"}
        await keys(pilot, "backspace", "enter")
        assert f"{matching} of {FAILURES} match 'evi' · Esc clears" in text_of(app)
        assert session.paused and len(app.screen_stack) == 1, "letters went into the filter, Enter kept it"
        await keys(pilot, "escape")
        assert panel.wanted == "" and panel._unfolded
        await keys(pilot, "escape")
        assert not panel._unfolded and panel.chosen == first and not app.main.dashboard.panel(PodsPanel).display
        await keys(pilot, "escape")
        assert app.main.dashboard.panel(PodsPanel).display and session.paused
        await keys(pilot, "escape")
        assert not session.paused
        await keys(pilot, "escape")
        assert app.is_running


async def test_a_group_in_the_last_row_unfolds_in_view(tmp_path: Path) -> None:
    async with crowded(tmp_path, (120, 40)) as (app, pilot):
        panel = app.main.dashboard.panel(FailuresPanel)
        await keys(pilot, "tab", *["down"] * (len(panel._shown) - 1))
        assert panel._shown.start == 0 and panel._at == panel._shown.stop - 1
        await keys(pilot, "right")
        assert panel.chosen is not None and panel.chosen.group.count > 1
        assert len(panel._shown) > 1 and panel._shown.start == panel._at, "its members are below it"


@pytest.mark.slow
async def test_the_filter_works_for_pods_and_hides_none_in_a_fold(tmp_path: Path) -> None:
    async with crowded(tmp_path, (120, 40)) as (app, pilot):
        panel = app.main.dashboard.panel(PodsPanel)
        await keys(pilot, "tab", "tab", "slash", *"x02")
        assert f"6 of {PODS} match 'x02_' · Enter keeps" in text_of(app)
        assert len(panel.items()) == 6 and all(not isinstance(row, OtherPods) for row in panel.items())
        app.post_message(events.Paste("\x1b[31m" + "y" * 500))
        await until(pilot, lambda: "no pod contains that text" in text_of(app))
        assert panel.wanted.isprintable() and len(panel.wanted) <= 80
        await keys(pilot, "ctrl+u", "tab")
        assert app.main.focused is not panel and not panel.typing


@pytest.mark.slow
async def test_new_failures_leave_the_selection_on_its_group(tmp_path: Path) -> None:
    async with crowded(tmp_path, (200, 50)) as (app, pilot):
        panel = app.main.dashboard.panel(FailuresPanel)
        await keys(pilot, "tab")
        first = panel.chosen
        assert first is not None
        app.post(KernelLogUpdated(KernelLogUpdate((failure(131),), (), 0, (), "kern.log", None)))
        await until(pilot, lambda: app.main.session.failures.failures == FAILURES + 1)
        assert panel.items()[0].group.last.id == "k131"
        assert panel.chosen is not None and panel.chosen.group.key == first.group.key and panel._at == 1
        await keys(pilot, "g", "shift+tab")
        app.post(KernelLogUpdated(KernelLogUpdate((failure(132),), (), 0, (), "kern.log", None)))
        await until(pilot, lambda: app.main.session.failures.failures == FAILURES + 2)
        assert panel._at == 0, "without the focus, the first row is marked, whichever it is"


STEPS = st.lists(
    st.tuples(st.sampled_from(("move", "page", "end", "wheel", "new", "gone", "fold")), st.integers(-4, 4)), max_size=30
)


@pytest.mark.slow
@given(steps=STEPS, height=st.integers(1, 12), framed=st.booleans())
@example(steps=[("gone", 0), ("gone", 0), ("gone", 0), ("wheel", 4)], height=1, framed=False)
@examples(400)
def test_the_selection_stays_on_its_item_and_in_view(steps: list[tuple[str, int]], height: int, framed: bool) -> None:
    session = Session()
    panel = PodsPanel(session)
    panel.framed = framed
    names = [f"shop/web-{number}" for number in range(6)]
    held = {name: pod(name, 1_700_000_000.0 + place, "likely") for place, name in enumerate(names)}
    others = tuple(pod(f"shop/pull-{number}", None, None) for number in range(3))

    def update() -> None:
        session.pods = PodUpdate(StuckPods((*held.values(), *others)), ())

    update()
    panel.build(80, height)
    panel.select(0)
    for what, amount in steps:
        before = panel.chosen
        assert before is not None
        key, wheeled = panel.key(before), False
        if what == "new":
            name = f"shop/new-{len(held)}-{amount}"
            held[name] = pod(name, 1_600_000_000.0 + amount, "proven" if amount > 0 else "possible")
            update()
        elif what == "gone":
            if len(held) > 1:
                gone = sorted(held)[amount % len(held)]
                del held[gone]
                update()
                key = None if key == gone else key
        elif what == "wheel":
            panel.scroll_rows(amount)
            wheeled = True
        elif what == "fold":
            panel.fold(amount > 0)
            key = None
        else:
            {"move": panel.move, "page": panel.move_page, "end": panel.move_to_end}[what](amount or 1)
            key = None
        lines = panel.build(80, height)
        assert len(lines) <= height
        now = panel.chosen
        assert now is not None
        assert key is None or panel.key(now) == key
        room = height - panel._head - framed
        assert len(panel._shown) == min(max(0, room), len(panel.items()))
        assert wheeled or panel._scrolled or room <= 0 or panel._at in panel._shown


POD = st.builds(
    pod,
    name=st.integers(0, 99).map("shop/web-{}".format),
    since=st.none() | st.floats(1e9, 2e9),
    confidence=st.none() | st.sampled_from(CONFIDENCES),
)


@pytest.mark.slow
@given(stuck=st.lists(POD, max_size=12, unique_by=lambda pod: str(pod.ref)), later=st.floats(0, 1e6), data=st.data())
@examples(400)
def test_the_order_of_pods_is_by_blame_then_age_and_stays_while_they_age(
    stuck: list[Any], later: float, data: st.DataObject
) -> None:
    causes = PodCause.MEMORY, PodCause.POSSIBLY
    blamed = StuckPods(tuple(stuck)).of(*causes)
    assert StuckPods(tuple(data.draw(st.permutations(stuck)))).of(*causes) == blamed, "whichever order they come in"
    ranks = [CONFIDENCES.index(pod.blame or CONFIDENCES[-1]) for pod in blamed]
    assert ranks == sorted(ranks)
    for rank in set(ranks):
        times = [pod.since for pod, own in zip(blamed, ranks, strict=True) if own == rank and pod.since is not None]
        assert times == sorted(times), "the oldest first"
    session = Session(pods=PodUpdate(StuckPods(tuple(stuck)), ()))
    panel = PodsPanel(session)
    before = [panel.key(row) for row in panel.items()]
    try:
        CLOCK.show(2e9 + later)
        panel.build(80, 20)
        assert [panel.key(row) for row in panel.items()] == before
    finally:
        CLOCK.show(None)


def test_other_reasons_are_one_row_with_their_number_and_a_name() -> None:
    panel = PodsPanel(Session(pods=pods()))
    rows = panel.items()
    assert len(rows) == BY_MEMORY + 1 and isinstance(rows[-1], OtherPods)
    text = "".join(text for text, _ in panel.row(rows[-1], 80))
    assert text.startswith("+ 19 pods for other reasons: payments") and text.endswith("010z, +18"), "the oldest"
    alone = PodsPanel(Session(pods=PodUpdate(StuckPods(pods().stuck.pods[:19]), ())))
    assert len(alone.items()) == 19, "without a pod by memory nothing is hidden"


def test_a_wide_row_counts_down_to_the_next_try() -> None:
    known = replace(pod("shop/web-0", 2e9 - 60, "likely"), next_try=2e9 + 24)
    panel = PodsPanel(Session(pods=PodUpdate(StuckPods((known, pod("shop/web-1", 2e9 - 60, "likely"))), ())))

    def shown(at: float, width: int) -> list[str]:
        CLOCK.show(at)
        return texts_of(panel.build(width, 5))

    try:
        for at, word in ((2e9, "24 s"), (2e9 + 23, "1 s"), (2e9 + 25, "now")):
            _, head, first, other, *_ = shown(at, 100)
            place = head.index("next try")
            assert (first[place:][:9].rstrip(), other[place:][:9].rstrip()) == (word, "?")
            assert head.index("why") == first.index("⇐"), "the names are no wider than the longest"
            assert head.index("waiting") - head.index("pod") == 17, "16 cells for short names, and a blank"
        for at, width in ((2e9, 80), (2e9 + 60, 100)):
            rows = shown(at, width)
            assert "next try" not in rows[1]
            assert "?" not in "".join(rows), "nothing says it of any pod, or there is no room"
    finally:
        CLOCK.show(None)


@given(name=st.text(st.characters(categories=("L", "N", "P")), max_size=60), width=st.integers(0, 70))
@examples(400)
def test_a_name_keeps_its_end_at_every_width(name: str, width: int) -> None:
    shown = fit_name(name, width)
    assert cell_len(shown) == width
    if cell_len(name) <= width:
        assert shown.rstrip(" ") == name.rstrip(" ")
    elif width >= 26:
        assert shown.rstrip(" ").endswith(name.rpartition("/")[2][-12:]), (
            "its last 12 characters tell it from its siblings"
        )
        assert "…" in shown


async def test_every_panel_is_drawn_in_any_room(tmp_path: Path) -> None:
    async with crowded(tmp_path, (120, 40)) as (app, pilot):
        await keys(pilot, "tab", "right", "tab", "end", "right")  # Members of groups are rows of their own.
        for panel in app.main.dashboard.query(LinesWidget):
            for width in (*range(1, 40, 3), 60, 80, 120, 200):
                for height in (1, 2, 4, 12):
                    for framed in (False, True):
                        if isinstance(panel, FramedPanel):
                            panel.framed = framed
                        rows = panel.build(width, height)[:height]
                        drawn = {panel._draw(row, width).cell_length for row in rows}
                        assert drawn <= {width}, (panel, width, height)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0"), (9_999, "9999"), (10_000, "10k"), (999_499, "999k"), (999_500, "1.0M"), (9_950_000, "10M"),
        (999_499_999, "999M"), (999_500_000, "1.0G"), (1 << 30, "1.1G"), (9_950_000_000, "10G"), (10**15, "999G"),
    ],
)  # fmt: skip
def test_a_count_in_four_cells_has_the_unit_that_it_needs(count: int, words: str) -> None:
    assert short(count) == words
