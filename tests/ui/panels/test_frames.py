"""The framed screen: what is folded, sorted and compared, and how panels look on small and large screens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from textual.events import Click
from textual.message import Message

from fragtui.ui.app import FragtuiApp
from fragtui.ui.keys import REPLAY_KEYS, key_names
from fragtui.ui.messages import KernelLogUpdated
from fragtui.ui.panels.recording_line import RecordingLine
from fragtui.ui.panels.sizes import SizesPanel
from fragtui.ui.panels.status_line import state_spans
from fragtui.ui.session import LONG_HISTORY, SHORT_HISTORY, RecordingPosition, Session
from tests.support.crowd import failures
from tests.support.host_tree import FRAGMENTED, HEALTHY, HostTree
from tests.support.screen import lines_of, make_app, running, text_of, until


def zone_rows(app: FragtuiApp) -> list[str]:
    """Return the names of the listed zones, top to bottom."""
    names = (row.strip("│ ▸").split()[:2] for row in lines_of(app) if " ✓ " in row or " ✗ " in row or "– user" in row)
    return [" ".join(name) for name in names if name and name[0][0] == "N" and name[0][1:].isdigit()]


def styles(app: FragtuiApp) -> set[str]:
    """Return the styles of the cells of the sizes' bars and history."""
    rows = app.main.dashboard.panel(SizesPanel)._lines[2:-1]
    return {style for row in rows for text, style in row.spans if text.strip()}


async def test_d_shows_the_zones_that_normal_requests_cannot_use(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app, (120, 40)) as pilot:
        assert "N0 DMA" not in zone_rows(app)
        assert "DMA hidden: not used for normal requests · D show" in text_of(app)
        await pilot.press("D")
        await pilot.pause()
        assert "N0 DMA " in text_of(app) and "D hide unused zones" in text_of(app)
        await pilot.press("D")
        await pilot.pause()
        assert "N0 DMA " not in text_of(app)


async def test_o_puts_the_worst_zones_first_and_the_border_counts_the_rest(tmp_path: Path) -> None:
    tree = HostTree.numa(tmp_path, nodes=8)
    tree.zones[-1].free_blocks = FRAGMENTED
    for zone in tree.zones[:-1]:
        zone.free_blocks = HEALTHY
    tree.write()
    app = make_app(tmp_path, order=6)
    async with running(app, (100, 30)) as pilot:
        assert zone_rows(app)[0] == "N0 Normal"
        assert "more (1 without)" in text_of(app)
        await pilot.press("o", "g")
        await pilot.pause()
        assert zone_rows(app)[0] == "N7 Normal"
        assert " more " in text_of(app) and "without)" not in text_of(app)


async def test_h_shows_the_long_history(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    app.main.session.saved = False
    async with running(app, (120, 40)) as pilot:
        assert app.main.session.history_seconds == SHORT_HISTORY and "last 5 min" in text_of(app)
        await pilot.press("h")
        await pilot.pause()
        assert app.main.session.history_seconds == LONG_HISTORY and "last 20 min" in text_of(app)


async def test_a_small_screen_shows_many_nodes_as_one_row_and_z_opens_them(tmp_path: Path) -> None:
    tree = HostTree.numa(tmp_path, nodes=8)
    for zone in tree.zones:
        zone.free_blocks = HEALTHY if zone.node == 5 else FRAGMENTED
    tree.write()
    app = make_app(tmp_path, order=6)
    async with running(app, (80, 24)) as pilot:
        heads = next(row for row in lines_of(app) if "node 0" in row)
        cells = lines_of(app)[lines_of(app).index(heads) + 1]
        assert heads.split("node")[1:] and [part.strip() for part in heads.split("node")[1:]] == list("01234567")
        assert cells.count("✗ none") == 7 and cells.count("✓") == 1 and "7/8" in cells
        assert cells.index("✓") == heads.index("node 5")
        await pilot.press("z")
        await pilot.pause()
        assert zone_rows(app) == [f"N{node} Normal" for node in range(8)]


async def test_frames_are_drawn_from_100x30_on(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path)
    async with running(app, (100, 30)) as pilot:
        lines = lines_of(app)
        tops, bottoms = (sum(row.startswith(corner) for row in lines) for corner in "╭╰")
        assert tops == bottoms == 5
        assert all(row[0] + row[-1] in ("╭╮", "││", "╰╯") for row in lines[1:-2])
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not set("╭╮╰╯│") & set(text_of(app))
        assert "─ Zones ─" in text_of(app)


async def test_three_tones_compare_with_the_moment_before_a_remedy(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path, order=6)
    async with running(app, (120, 40)) as pilot:
        assert not {"gained", "lost"} & styles(app)
        app.main.session.mark("drop caches")
        tree.zones[1].free_blocks = tree.zones[2].free_blocks = HEALTHY
        tree.write()
        await until(pilot, lambda: {"bar", "gained", "lost"} <= styles(app))
        rows = {words[1]: row for row in lines_of(app) if len(words := row.replace("▾", " ").split()) > 2}
        assert rows["4K"].split()[2:4] == ["410k", "2000"] and "░" in rows["4K"]
        assert rows["4M"].split()[2:4] == ["0", "900"] and "░" not in rows["4M"]
        assert "before" in text_of(app) and "as before  ▇ gained  ░ lost or merged" in text_of(app)


async def test_saved_files_are_never_live_and_have_no_history(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app, (200, 60)) as pilot:
        assert "■ saved files, " in lines_of(app)[0] and "live" not in text_of(app)
        assert "last 5 min" not in text_of(app) and not {style for style in styles(app) if "history" in style}
        await pilot.press("space")
        await until(pilot, lambda: "‖ paused" in lines_of(app)[0])


async def test_a_wide_screen_counts_the_denied_by_cause_and_size(tmp_path: Path) -> None:
    HostTree.numa(tmp_path, nodes=8)
    app = make_app(tmp_path, interval=60.0)
    app.readers.stop()
    async with running(app, (200, 60)) as pilot:
        assert "Denied by cause and size" not in text_of(app)
        app.post(KernelLogUpdated(failures()))
        await until(pilot, lambda: "Denied by cause and size" in text_of(app))
        table = text_of(app).split("Denied by cause and size")[1]
        row = next(row for row in table.splitlines() if "vhost" in row)
        numbers = [int(word) for word in row.split("vhost")[1].split() if word.isdigit()]
        assert len(numbers) == 4 and sum(numbers[:3]) == numbers[3], "the sizes add up to all"


def clicks(line: RecordingLine, cells: range) -> Iterator[float]:
    """Yield the shares that clicks on these cells of the line ask for."""
    asked: list[RecordingLine.Clicked] = []

    def post(message: Message) -> bool:
        assert isinstance(message, RecordingLine.Clicked)
        asked.append(message)
        return True

    line.post_message = post  # type: ignore[method-assign]
    for cell in cells:
        line.on_click(cast("Click", SimpleNamespace(x=cell)))
    yield from (message.share for message in asked)


def test_a_click_on_the_tape_goes_to_that_share_of_the_recording() -> None:
    session = Session(recording=RecordingPosition(299.0, 0.5, ((0.25, True),)), key_names=key_names(REPLAY_KEYS))
    line = RecordingLine(session)
    text = "".join(text for text, _ in line.build(120, 1)[0].spans)
    first, last = text.index("━"), text.rindex("─")
    shares = list(clicks(line, range(120)))
    assert len(shares) == last - first + 1 == 40, "other cells do nothing"
    assert shares == sorted(shares) and (shares[0], shares[-1]) == (0.0, 1.0)
    assert shares[text.index("▼") - first] == pytest.approx(0.25, abs=0.03)


def test_only_what_is_read_again_and_again_is_live() -> None:
    def words(session: Session, age: float = 0.0) -> str:
        return "".join(text for text, _ in state_spans(session, 1.0, None, age, ()))

    assert words(Session()) == "● live, every 1 s "
    assert words(Session(paused=True)) == "‖ paused 0 s "
    assert words(Session(), age=9.0) == "⚠ stale 9 s "
