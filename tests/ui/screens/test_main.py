from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.color import Color
from textual.geometry import Region

from fragtui.model.node.verdict import Thresholds
from fragtui.ui.keys import KEYS
from fragtui.ui.panels.zones import ZonesPanel, cell_style
from fragtui.ui.widgets.page import PageBody
from tests.support.host_tree import FRAGMENTED, HostTree, ZoneFacts
from tests.support.screen import SIZES, lines_of, make_app, running, text_of, until

sizes = pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])


@pytest.mark.slow
@sizes
async def test_every_size_shows_verdict_zones_bars_and_keys(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path, order=4)
    async with running(app, size) as pilot:
        await until(pilot, lambda: "Denied  ? " in text_of(app) and "Stuck   ? " in text_of(app))
        text = text_of(app)
        flat = " ".join(text.replace("\u00a0", " ").split())
        for word in (
            "node-7",
            "FRAGMENTED",
            "No free 64K block",
            " Denied ",
            " Stuck ",
            "0,000 blocks of 64K",
            "N0 DMA32",
            "▸ N0 Normal",
            "▾64K",
            "■ saved files, ",
            "Help",
        ):
            assert word in flat, f"{word!r} is not on the screen:\n{text}"
        assert "✓ none in the kernel log" not in flat and "✓ no pod" not in flat, "neither was looked at"
        assert "Denied requests" in text
        assert "Stuck pods" in text
        assert len(lines_of(app)) == size[1]
        assert {cell_len(row) for row in lines_of(app)} == {size[0]}


@pytest.mark.slow
@sizes
async def test_resizing_keeps_the_screen_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app, (80, 24)) as pilot:
        for width, height in ((1, 1), (30, 8), size):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
        text = text_of(app)
        assert "N0 Normal" in text
        assert "OK" in text


@pytest.mark.slow
@sizes
async def test_every_key_works_and_is_in_the_help(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path, read_only=True)
    async with running(app, size) as pilot:
        for key in KEYS:
            if key.action in ("picture", "save", "app.record", "app.quit"):
                continue
            await pilot.press(key.keys.split(",")[0])
            await pilot.pause()
            while len(app.screen_stack) > 1:
                await pilot.press("escape")
                await pilot.pause()
        assert app.is_running
        await pilot.press("question_mark")
        await pilot.pause()
        page = app.screen.query_one("#page")
        shown = " ".join(text for row in page._lines for text, _ in row.spans)  # type: ignore[attr-defined]
        for key in KEYS:
            assert f" {key.shown} " in shown


@pytest.mark.slow
async def test_the_target_order_follows_keys_and_goes_back(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        assert app.main.session.order == 3
        await pilot.press("right_square_bracket", "right_square_bracket")
        assert app.main.session.order == 5
        await pilot.pause()
        assert "Blocks of 128K are free now" in text_of(app)
        await pilot.press("left_square_bracket")
        assert app.main.session.order == 4
        await pilot.press("a")
        assert app.main.session.order == 3
        for _ in range(20):
            await pilot.press("right_square_bracket")
        assert app.main.session.order == 10


@pytest.mark.slow
async def test_pause_freezes_the_screen_and_continues_it(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await pilot.press("space")
        await until(pilot, lambda: "paused" in text_of(app))
        tree.zones[2].free_blocks = (7,) * 11
        tree.write()
        ticks = len(app.main.session.history._ticks)
        await until(pilot, lambda: len(app.main.session.history._ticks) > ticks + 2)
        zone = app.main.session.zone
        assert zone is not None
        assert zone.free_blocks != (7,) * 11
        await pilot.press("space")
        await until(pilot, lambda: app.main.session.zone is not None and app.main.session.zone.free_blocks == (7,) * 11)


@pytest.mark.slow
async def test_the_interval_changes_by_keys_within_its_bounds(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path, interval=1.0)
    async with running(app) as pilot:
        await pilot.press("plus")
        assert app.sampler.interval == 0.5, "+ is faster, as in a replay"
        for _ in range(12):
            await pilot.press("plus")
        assert app.sampler.interval == 0.2
        for _ in range(12):
            await pilot.press("minus")
        assert app.sampler.interval == 60.0
        await pilot.pause()
        app.main.session.saved = False
        app.main.show()
        assert "● live, every 60 s" in text_of(app)


@pytest.mark.slow
async def test_change_is_seen_against_the_baseline(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        assert "as before" not in text_of(app), "the start is no moment that anyone chose"
        await pilot.press("b")
        await pilot.pause()
        assert "░" not in bars_of(app)
        tree.zones[2].free_blocks = (1000, 900, 800, 700, 600, 500, 400, 300, 200, 100, 50)
        tree.write()
        await until(pilot, lambda: "░" in bars_of(app))
        assert "as before" in text_of(app)
        await pilot.press("b")
        await pilot.pause()
        assert "░" not in bars_of(app)
        assert app.main.session.baseline is not None
        assert app.main.session.baseline.reason == "key b"


def bars_of(app: object) -> str:
    return "\n".join(row for row in lines_of(app) if "as before" not in row)


@pytest.mark.slow
async def test_zones_are_chosen_with_the_arrows_and_zoomed(tmp_path: Path) -> None:
    HostTree.numa(tmp_path, nodes=16, orders=14)
    app = make_app(tmp_path)
    async with running(app, (80, 24)) as pilot:
        assert app.main.session.chosen == (0, "Normal")
        for _ in range(12):
            await pilot.press("down")
        await pilot.pause()
        assert app.main.session.chosen == (12, "Normal")
        assert "─ N12 Normal " in text_of(app)
        await pilot.press("z")
        await pilot.pause()
        text = text_of(app)
        assert "Denied requests" not in text
        assert "▸ N12 Normal" in text
        assert "N15 Normal" in text
        await pilot.press("z")
        await pilot.resize_terminal(120, 60)
        await pilot.pause()
        assert any(row.split()[1:2] == ["32M"] for row in lines_of(app)), "each of the 14 sizes has its row"


@pytest.mark.slow
async def test_sixteen_nodes_and_hotplug(tmp_path: Path) -> None:
    tree = HostTree.numa(tmp_path, nodes=16)
    app = make_app(tmp_path)
    async with running(app, (200, 50)) as pilot:
        assert "N15 Normal" in text_of(app)
        tree.zones.append(ZoneFacts(16, "Movable", (5,) * 11))
        tree.write()
        await until(pilot, lambda: "N16 Movable" in text_of(app))
        assert "– user only" in text_of(app)
        del tree.zones[0]
        tree.write()
        await until(pilot, lambda: "N0 Normal" not in text_of(app))
        assert app.main.session.chosen != (0, "Normal")


@pytest.mark.slow
async def test_files_that_vanish_are_unknown_not_zero(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    (tmp_path / "proc/pressure/memory").unlink()
    (tmp_path / "proc/meminfo").unlink()
    (tmp_path / "proc/pagetypeinfo").unlink()
    async with running(app) as pilot:
        await pilot.pause()
        text = text_of(app)
        assert "memory unknown" in text
        assert "memory stall: no such file or directory" in text
        why = "migratetypes unknown: /proc/pagetypeinfo: no such file or directory"
        await until(pilot, lambda: why in text_of(app))
    (tmp_path / "proc/buddyinfo").unlink()
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await pilot.pause()
        text = text_of(app)
        assert "UNKNOWN" in text
        assert "no such file or directory" in text


@pytest.mark.slow
async def test_the_themes_are_ours_and_each_change_repaints(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        assert app.theme == "dark"
        seen = []
        for _ in app.available_themes:
            strip = app.main.dashboard.panel(ZonesPanel).render_lines(Region(0, 0, 80, 1))[0]
            seen.append((app.theme, {segment.style.bgcolor for segment in strip if segment.style}))
            await pilot.press("t")
            await pilot.pause()
        assert [theme for theme, _ in seen] == ["dark", "light", "high-contrast", "colorblind"]
        assert app.theme == "dark"
        assert seen[1][1] == {Color.parse("#fbfbf8")}
        assert seen[0][1] == {Color.parse("#10141c")}


@pytest.mark.slow
async def test_a_picture_is_saved_where_it_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.chdir(out)
    async with running(app) as pilot:
        await pilot.press("w", "p")
        await until(pilot, lambda: bool(list(out.glob("*.svg"))))
        assert "<svg" in next(out.glob("*.svg")).read_text()


@pytest.mark.slow
async def test_the_command_palette_offers_the_remedies(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "Wake kcompactd" in text_of(app))
        await pilot.press(*"base")
        await until(pilot, lambda: "Baseline" in text_of(app) and "Wake kcompactd" not in text_of(app))


async def test_the_advice_is_whole_where_it_fits_and_keeps_its_number_where_not(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path, order=6)
    async with running(app, (200, 50)) as pilot:
        await until(pilot, lambda: "(2,000 to 20,000); 8.1G is then read from disk again" in text_of(app))
        assert "drop caches: about 15,000 blocks of 256K (2,000" in text_of(app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "drop caches: about 15,000 blocks of 256K; 8.1G is read again" in text_of(app))
        assert "(2,000" not in text_of(app)


async def test_blocks_of_dma_do_not_count_if_the_reserve_is_unknown(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    (tmp_path / "proc/zoneinfo").unlink()
    app = make_app(tmp_path, order=6)
    async with running(app, (120, 40)) as pilot:
        assert not any("N0 DMA " in row for row in lines_of(app)), "folded away"
        await pilot.press("D")
        await pilot.pause()
        row = next(row for row in lines_of(app) if "N0 DMA " in row)
        assert "? unknown" in row
        assert "✓" not in row


async def test_memory_that_no_zone_has_yet_is_reported(tmp_path: Path) -> None:
    """Kernels that put off initialising memory count it in MemFree long before a zone can give it."""
    tree = HostTree.small(tmp_path)
    async with running(make_app(tmp_path)) as pilot:
        assert "not initialised" not in text_of(pilot.app)
        kib = sum(zone.managed for zone in tree.zones) * 4 + (10 << 20)
        tree.put("proc/meminfo", f"MemTotal: {kib} kB\nMemFree: {kib} kB\n")
        await until(pilot, lambda: "(10G not initialised yet)" in lines_of(pilot.app)[0])


@pytest.mark.slow
async def test_states_cells_and_help_follow_the_thresholds_of_the_settings(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path, order=9, thresholds=Thresholds(low_blocks=9_999))
    async with running(app) as pilot:
        assert "LOW" in text_of(app) and "Running low" in text_of(app)
        judgement = app.main.session.judgement
        assert judgement is not None
        assert {cell_style(zone, 9, 9) for zone in judgement.serving} == {"cell-few"}
        await pilot.press("question_mark")
        await until(pilot, lambda: app.screen is not app.main)
        await pilot.pause()
        lines = app.screen.query_one(PageBody)._lines
        assert "under 9999 requests succeed" in " ".join(text for row in lines for text, _ in row.spans)
