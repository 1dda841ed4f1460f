"""What stands in the way, and the NUMA nodes over time: on wide screens only, computed only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fragtui.ui.panels.late.obstacles import ObstaclesView
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree
from tests.support.screen import SIZES, lines_of, make_app, running, text_of, texts_of, until

OBSTACLES, NODES, TIMELINE = "What stands in the way of", "on each NUMA node", "in all zones"


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
async def test_what_stands_in_the_way_is_there_on_wide_screens(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path, order=6)
    async with running(app, size) as pilot:
        await until(pilot, lambda: getattr(app.main.session.snapshot, "page_types", None) is not None)
        await pilot.pause()
        text = text_of(app)
        assert (OBSTACLES in text) is (size[0] >= 160)
        view = app.main.query_one("#obstacles")._view  # type: ignore[attr-defined]
        if size[0] < 160:
            assert view is None, "what is not shown is not computed"
            return
        assert f"{OBSTACLES} 256K in N0 Normal" in text
        rows = {row.split("│")[1][:18].strip(): row for row in lines_of(app) if row.count("│") > 1}
        assert "1.1G    6 %" in rows["file cache"] and "can be dropped" in rows["file cache"]
        assert "2.5G   13 %" in rows["free, below 256K"] and "0 % of it between unmovable" in rows["free, below 256K"]
        assert "? " in rows["process memory"] and "unknown: zoneinfo does not show it" in rows["process memory"]
        assert "9,765 pageblocks of 2M: 100 % Movable, <1 % Unmovable" in text


async def test_unread_migratetypes_are_unknown_with_the_reason_and_nothing_reads_them(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    (tmp_path / "proc/pagetypeinfo").unlink()
    (tmp_path / "proc/zoneinfo").unlink()
    app = make_app(tmp_path, order=6)
    async with running(app, (200, 60)) as pilot:
        await until(pilot, lambda: "? pageblocks unknown: /proc/pagetypeinfo: no such file" in text_of(app))
        assert "? shares unknown: /proc/zoneinfo: no such file" in text_of(app)
        assert "pageblocks of" not in text_of(app)


async def test_the_numbers_are_taken_again_every_five_seconds_or_for_another_zone(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path, order=6)
    async with running(app, (80, 24)):
        session = app.main.session
        view = ObstaclesView(session)
        made = view.body(100, 8)
        assert session.snapshot is not None
        session.snapshot = session.snapshot._replace(monotonic=session.snapshot.monotonic // 5 * 5 + 4.9)
        made = view.body(100, 8)
        session.snapshot = session.snapshot._replace(monotonic=session.snapshot.monotonic - 2, vmstat={"nr_mlock": 9})
        assert view.body(100, 8) is made
        session.snapshot = session.snapshot._replace(monotonic=session.snapshot.monotonic + 5)
        assert view.body(100, 8) is not made
        made = view.body(100, 8)
        session.chosen = (0, "DMA32")
        assert view.body(100, 8) is not made


@pytest.mark.parametrize("size", [*SIZES, (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_three_nodes_or_more_are_shown_over_time_on_a_tall_wide_screen(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    tree = HostTree.numa(tmp_path, nodes=8)
    for zone in tree.zones:
        zone.free_blocks = FRAGMENTED if zone.node != 5 else HEALTHY
    tree.write()
    app = make_app(tmp_path, order=6)
    app.main.session.saved = False
    async with running(app, size) as pilot:
        await pilot.pause()
        text = text_of(app)
        assert (NODES in text) is (size == (200, 60))
        assert (TIMELINE in text) is (size[0] == 200), "below the short lists, of the other length"
        assert ("last 20 min" in text) is (size[0] == 200)
        if size == (200, 60):
            assert "7 of 8 without" in text
            rows = [row for row in lines_of(app) if row.startswith("│ node ")]
            assert [row.split()[2] for row in rows] == [str(node) for node in range(8)]
            assert "✓ 15k free" in rows[5] and "▆" in rows[5]
            assert all("✗ none" in row and "·" in row for row in (*rows[:5], *rows[6:]))


async def test_of_more_nodes_than_rows_the_worst_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    tree = HostTree.numa(tmp_path, nodes=12)
    for zone in tree.zones:
        zone.free_blocks = FRAGMENTED if zone.node in (3, 11) else HEALTHY
    tree.write()
    app = make_app(tmp_path, order=6)
    app.main.session.saved = False
    async with running(app, (200, 70)) as pilot:
        await pilot.pause()
        view = app.main.query_one("#nodes")
        texts = texts_of(view.body(100, 5))  # type: ignore[attr-defined]
        assert [text.split()[1] for text in texts[:3]] == ["0", "3", "11"]
        assert texts[3] == "▼ 9 more"


async def test_saved_files_have_no_history_of_nodes(tmp_path: Path) -> None:
    HostTree.numa(tmp_path, nodes=8)
    app = make_app(tmp_path)
    async with running(app, (200, 60)):
        assert NODES not in text_of(app) and OBSTACLES in text_of(app)
