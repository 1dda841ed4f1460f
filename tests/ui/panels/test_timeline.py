"""The timeline and the words in the place of bars, on the real screen."""

from pathlib import Path

import pytest

from fragtui.model.node.snapshot import Host, Snapshot
from fragtui.ui.app import FragtuiApp
from fragtui.ui.panels.timeline import Timeline, mark_signs
from fragtui.ui.session import Session
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree
from tests.support.screen import lines_of, make_app, running, text_of, until

TITLE = "Blocks of {} that kernel requests may take, in all zones"


async def test_a_tall_screen_shows_shortage_denial_and_recovery_on_a_timeline(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path, order=6)
    app.main.session.saved = False
    async with running(app, (200, 60)) as pilot:
        assert any(line.startswith(f"╭─ {TITLE.format('256K')}") for line in lines_of(app))

        def zeros() -> str:
            """Return how no block at all is drawn: not as a low bar."""
            spans = [span for row in app.main.dashboard.panel(Timeline)._lines for span in row.spans]
            return "".join(text for text, style in spans if style == "history-none")

        await until(pilot, lambda: set(zeros()) == {"·"})
        snapshot = app.main.session.snapshot
        assert snapshot is not None
        app.main.session.note_refusal(snapshot.time - 100)
        app.main.session.note_remedy(snapshot.time - 50, "bash (1) wrote 3 to drop_caches")
        for zone in tree.zones:
            zone.free_blocks = HEALTHY if zone.name != "DMA" else zone.free_blocks
        tree.write()
        await until(pilot, lambda: "FRAGMENTED" not in text_of(app))
        marks = next(line for line in lines_of(app) if "✗" in line and "▼" in line and "denied" not in line)
        assert marks.index("✗") < marks.index("▼")


@pytest.mark.slow
async def test_the_timeline_gives_way_on_small_screens(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    app.main.session.saved = False
    title = TITLE.format("32K")
    async with running(app, (200, 60)) as pilot:
        assert title in text_of(app)
        for size in ((120, 40), (200, 24), (60, 20)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: title not in text_of(app))
            assert "N0 Normal" in text_of(app)


@pytest.mark.slow
async def test_the_rates_are_under_the_bars(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path)
    app = make_app(tmp_path)
    app.main.session.saved = False
    async with running(app, (120, 40)) as pilot:
        tree.write()
        await until(pilot, lambda: "/s direct compactions" in text_of(app))


async def test_an_order_without_blocks_shows_the_reason(tmp_path: Path) -> None:
    gap = (2000, 1500, 0, 800, 0, 0, 0, 0, 0, 0, 0)
    HostTree.small(tmp_path, gap)
    app = make_app(tmp_path)
    async with running(app, (120, 40)):
        rows = by_size(app)
        assert "none, larger ones can be split" in rows["16K"]
        assert "none" in rows["64K"]
        assert "✗" not in rows["64K"], "nobody asked for so much"
        assert "▇" in rows["32K"]
        app.main.session.change_order(1)
        app.main.show()
        assert "✗ none" in by_size(app)["64K"]


def by_size(app: FragtuiApp) -> dict[str, str]:
    """Return the rows of the chosen zone by their size."""
    rows = [line.strip("│ ▾") for line in lines_of(app)]
    return {row.split()[0]: row for row in rows if row and row.split()[0] in ("4K", "8K", "16K", "32K", "64K")}


def test_a_denial_and_a_remedy_in_one_cell_are_both_shown() -> None:
    session = Session()
    for denied, remedied, expected in (
        ((295.0,), (295.0,), "········✗▼"),
        ((265.0,), (265.0,), "········✗▼"),
        ((10.0, 245.0), (100.0,), "✗··▼····✗·"),
        ((225.0, 255.0, 285.0), (255.0,), "·······✗▼✗"),
    ):
        session.snapshot = Snapshot(1e9, 299.9, Host(None, None, None, 4096), None)
        session.refusals.clear()
        session.refusals.extend(denied)
        session.marks.clear()
        session.marks.extend((at, "caches were dropped") for at in remedied)
        signs = mark_signs(session, session.history_seconds, 10, ("·", "grid"))
        assert "".join(sign for sign, _ in signs) == expected
