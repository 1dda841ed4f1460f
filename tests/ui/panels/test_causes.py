"""The table of failures by cause and size: from 120 columns on, without hiding the lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from fragtui.ui.messages import KernelLogUpdated
from fragtui.ui.panels.causes import CausesPanel
from tests.support.crowd import FAILURES, failures
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.screen import SIZES, lines_of, make_app, running, text_of

TITLE = "Denied by cause and size"


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
async def test_the_table_is_there_from_120_columns_on_beside_or_below_the_list(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path, order=4)
    async with running(app, size) as pilot:
        app.main.post_message(KernelLogUpdated(failures()))
        await pilot.pause()
        text = text_of(app)
        assert "Denied requests" in text and "Stuck pods" in text
        assert (TITLE in text) is (size[0] >= 120)
        if size[0] >= 120:
            assert text.count(f"{FAILURES - 1} logged") == 2, "in the list's title and in the table's"
            row = next(line for line in lines_of(app) if "unknown cause" in line)
            assert row.split("unknown cause")[1].split()[:4] == ["21", "22", "22", "65"], "64K, 128K, 256K, all"
            beside = any("Denied requests" in line and TITLE in line for line in lines_of(app))
            assert beside is (size[0] < 160)


async def test_two_groups_need_no_table(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path)
    async with running(app, (120, 40)) as pilot:
        app.main.post_message(KernelLogUpdated(failures(2)))
        await pilot.pause()
        assert TITLE not in text_of(app) and "1-2 of 2" in text_of(app)


@pytest.mark.slow
async def test_the_table_has_the_whole_height_beside_a_zoomed_list(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path)
    for size in ((120, 40), (200, 50)):
        async with running(app, size) as pilot:
            app.main.post_message(KernelLogUpdated(failures()))
            await pilot.pause()
            app.main.set_focus(app.main.dashboard.lists[1])
            await pilot.press("z")
            await pilot.pause()
            rows = lines_of(app)
            assert any("Denied requests" in row and TITLE in row for row in rows)
            assert not any("Stuck pods" in row for row in rows)
            assert any("over 48 min, at most" in row for row in rows), "when they happened"
            await pilot.press("z")
            await pilot.pause()
            assert "Stuck pods" in text_of(app)
        app = make_app(tmp_path)


async def test_a_filter_counts_what_it_finds_and_keeps_the_table_in_place(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path)
    async with running(app, (120, 40)) as pilot:
        app.main.post_message(KernelLogUpdated(failures()))
        await pilot.pause()
        app.main.session.failures.filter("dockerd")
        app.main.show()
        await pilot.pause()
        assert TITLE in text_of(app) and f"26 of {FAILURES}" in text_of(app)


@pytest.mark.slow
async def test_the_table_is_drawn_again_only_if_the_failures_change(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path)
    async with running(app, (120, 40)) as pilot:
        app.main.post_message(KernelLogUpdated(failures()))
        await pilot.pause()
        table = app.main.dashboard.panel(CausesPanel)
        made = table.body(50, 6)
        assert table.body(50, 6) is made
        app.main.post_message(KernelLogUpdated(failures(FAILURES + 1)))
        await pilot.pause()
        assert table.body(50, 6) is not made


async def test_the_filter_of_the_list_reaches_the_table_with_the_next_sample(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path)
    async with running(app, (200, 50)) as pilot:
        app.main.post_message(KernelLogUpdated(failures()))
        await pilot.pause()
        app.main.set_focus(app.main.dashboard.lists[1])
        await pilot.press("slash", *"runc")
        app.main.dashboard.show(sampled=True)
        await pilot.pause()
        table = next(line for line in lines_of(app) if TITLE in line)
        assert f" 27 of {FAILURES} " in table
