"""The screen of a fleet: the states on top, the nodes worst first, its keys, and what it says if the server is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from rich.cells import cell_len
from textual import events
from textual.pilot import Pilot

from fragtui.model.fleet.fleet import STATE_KEYS, Counting, Fleet, FleetNode
from fragtui.ui.fleet.app import FleetApp, LiveWays
from fragtui.ui.fleet.help import FLEET_TABLES
from fragtui.ui.fleet.live_command import LiveCommand
from fragtui.ui.fleet.nodes import NodeGroup, NodesPanel
from fragtui.ui.fleet.view import FleetView
from fragtui.ui.keys import FLEET_KEYS
from fragtui.ui.terminal.detection import TerminalLook
from fragtui.ui.widgets.glyphs import GlyphSet
from fragtui.ui.widgets.paint import Depth
from fragtui.ui.widgets.palette import THEMES
from tests.support.fleet_source import HOSTILE, SyntheticFleet
from tests.support.screen import SIZES, lines_of, text_of, until

sizes = pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])


def app_of(source: SyntheticFleet, look: TerminalLook | None = None, **view: object) -> FleetApp:
    ways = LiveWays(lambda url: LiveCommand(f"run {url}"), lambda _: 0)
    return FleetApp(source, FleetView(server="https://prom.example", match='pool=~".+"', **view), ways, look)  # type: ignore[arg-type]


@asynccontextmanager
async def shown(app: FleetApp, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[int]]:
    """Run the application until the fleet was read, and to its end."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.view.fleet is not None or app.view.lost)
        await pilot.pause()
        yield pilot
        assert app.outlived == [], "a fault that the screen went on after"


async def press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


def nodes_of(app: FleetApp) -> NodesPanel:
    return app.fleet_screen.nodes


def rows_of(app: FleetApp) -> list[str]:
    """Return the rows of the list."""
    panel = nodes_of(app)
    top = panel.region.y + panel._head
    return lines_of(app)[top : top + len(panel._shown)]


async def test_the_first_rows_say_what_is_being_read() -> None:
    class Quick(SyntheticFleet):
        def read(self, *, quick: bool = False) -> Fleet:
            fleet = super().read()
            self.problem = "the next reading fails, so that the first one stays in view"
            bare = tuple(node._replace(largest=None, trend=None) for node in fleet.nodes)
            later = (("largest", "being read"), ("trend", "being read"))
            return fleet._replace(nodes=bare, unknown=later, quick=True)

    app = app_of(Quick(9))
    async with shown(app):
        text = text_of(app)
        assert "largest and trend unknown: being read" in text and "node-0000" in text


@sizes
async def test_the_states_are_counted_on_top_and_the_worst_node_is_first(size: tuple[int, int]) -> None:
    source = SyntheticFleet()
    app = app_of(source)
    async with shown(app, size):
        lines = lines_of(app)
        text = "\n".join(lines)
        assert {cell_len(line) for line in lines} == {size[0]}
        for words in (
            "2 OUT OF MEMORY",
            "4 FRAGMENTED",
            "3 STALE",
            "6 LOW",
            "200 nodes",
            "Can a 64K block be allocated?",
        ):
            assert words in text
        assert "FRAGMENTED" in rows_of(app)[0] and "node-0116" in rows_of(app)[0]
        assert "▾64K" in text and "https://prom.example" in lines[0]
        assert lines[-1].strip().endswith("q Quit")


@sizes
async def test_keys_wheel_and_clicks_move_in_the_list(size: tuple[int, int]) -> None:
    app = app_of(SyntheticFleet())
    async with shown(app, size) as pilot:
        panel = nodes_of(app)
        room = len(panel._shown)
        assert f"1-{room} of 200" in text_of(app)
        await press(pilot, "down", "j", "down", "up", "k")
        assert panel._at == 1
        await press(pilot, "pagedown")
        assert panel._at == room
        await press(pilot, "pageup", "G")
        assert panel._at == 199 and f"{201 - room}-200 of 200" in text_of(app)
        await press(pilot, "home", "end", "g")
        assert panel._at == 0
        x, y = panel.region.x + 4, panel.region.y + 4
        pilot.app.post_message(events.MouseScrollDown(None, x, y, 0, 0, 0, False, False, False, x, y))
        await pilot.pause()
        await pilot.pause()
        assert panel._shown.start == 3 and panel._at == 0
        await pilot.click(panel, offset=(8, panel._head + 2))
        await pilot.pause()
        assert panel._at == 5
        await pilot.click(panel, offset=(8, panel._head + 2), times=2)
        await until(pilot, lambda: app.view.opened is not None)


async def test_the_selection_stays_on_its_node_when_others_get_worse() -> None:
    source = SyntheticFleet()
    app = app_of(source)
    async with shown(app) as pilot:
        await press(pilot, *["down"] * 5)
        chosen = nodes_of(app).chosen
        assert isinstance(chosen, FleetNode)
        source.left_out = {row.name for row in (app.view.fleet.nodes[:3] if app.view.fleet else ())}
        await press(pilot, "u")
        await until(pilot, lambda: "197 nodes" in text_of(app))
        assert nodes_of(app)._at == 2 and nodes_of(app).chosen == chosen


async def test_a_filter_looks_in_names_states_and_labels() -> None:
    app = app_of(SyntheticFleet())
    async with shown(app, (80, 24)) as pilot:
        await press(pilot, "slash", *"gpu")
        assert "67 of 200 match 'gpu_'" in text_of(app)
        await press(pilot, "enter")
        assert app.view.opened is None, "Enter keeps the filter and opens nothing"
        await press(pilot, "slash", *" fragm")
        assert [row.split()[0 if row[1] != "▸" else 1] for row in rows_of(app)] == ["FRAGMENTED"] * 2
        await press(pilot, "escape")
        assert "of 200" in text_of(app) and app.view.wanted == ""
        await press(pilot, "slash", *"zone=eu-1a")
        await press(pilot, "enter")
        assert 0 < len(nodes_of(app).items()) < 60
        await press(pilot, "slash", *"xyzzy")
        assert "no node contains these words" in text_of(app)
        await press(pilot, "escape")


async def test_a_label_that_every_node_has_alike_is_in_no_row() -> None:
    source = SyntheticFleet()
    source.host = "same"
    app = app_of(source)
    async with shown(app, (200, 50)):
        assert "node=same" not in text_of(app) and "pool=gpu" in text_of(app)


async def test_a_hostile_label_is_text() -> None:
    app = app_of(SyntheticFleet())
    async with shown(app, (200, 50)) as pilot:
        await press(pilot, "slash", *"node-0003")
        assert f"pool={HOSTILE}" in text_of(app)
        await press(pilot, "escape", "L", "L")
        assert "by pool" in text_of(app) and any(f" {HOSTILE} " in row for row in rows_of(app))


@sizes
async def test_groups_by_a_label_count_states_and_unfold(size: tuple[int, int]) -> None:
    app = app_of(SyntheticFleet())
    async with shown(app, size) as pilot:
        await press(pilot, "L")
        panel = nodes_of(app)
        assert "Nodes by kernel" in text_of(app) and len(panel.items()) == 3
        assert "1-3 of 3 groups" in text_of(app)
        first = panel.items()[0]
        assert isinstance(first, NodeGroup) and first.nodes[0] == app.view.fleet.nodes[0]  # type: ignore[union-attr]
        assert f"+ {first.value}" in rows_of(app)[0] and f"{len(first.nodes)} nodes" in rows_of(app)[0]
        await press(pilot, "enter")
        assert len(panel.items()) == 3 + len(first.nodes) and "0116" in rows_of(app)[1]
        await press(pilot, "down", "left")
        assert len(panel.items()) == 3 and panel.chosen == first, "a member folds its group"
        await press(pilot, "right", "escape")
        assert len(panel.items()) == 3, "Esc folds first"
        await press(pilot, "escape")
        assert app.view.label is None and len(panel.items()) == 200
        await press(pilot, "L", "L", "L", "L")
        assert app.view.label is None, "after the last label nodes are not grouped"


async def test_a_label_that_no_node_has_is_one_group_and_labels_that_divide_nothing_are_no_choice() -> None:
    app = app_of(SyntheticFleet(1), label="rack")
    async with shown(app) as pilot:
        assert "(no value)" in rows_of(app)[0] and "1 node " in rows_of(app)[0]
        await press(pilot, "L", "L")
        assert app.view.label is None and "No label divides the nodes" in text_of(app)


@sizes
async def test_what_cannot_be_known_is_said_once_and_never_shown_as_zero(size: tuple[int, int]) -> None:
    app = app_of(SyntheticFleet(counting=Counting.RAW))
    async with shown(app, size):
        text = " ".join(text_of(app).split())
        assert text.count("node_exporter does not count failed requests") == 1
        assert text.count("node_exporter knows no pods") == 1
        assert "failed  " not in lines_of(app)[nodes_of(app).region.y + 1], "the column is not there"
        unknown = next(row for row in rows_of(app) if "UNKNOWN" in row)
        assert "?" in unknown and " 0 " not in unknown


async def test_a_stale_node_is_shown_as_such_with_its_age_and_what_it_was() -> None:
    app = app_of(SyntheticFleet())
    async with shown(app, (200, 50)):
        row = next(row for row in rows_of(app) if "node-0040" in row)
        assert "STALE 5 min" in row and "was OK" in row
        assert "✓ OK" not in row


@sizes
async def test_a_lost_server_leaves_the_old_rows_dimmed_with_the_age_and_the_reason(size: tuple[int, int]) -> None:
    source = SyntheticFleet()
    app = app_of(source)
    async with shown(app, size) as pilot:
        before = rows_of(app)
        source.problem = "https://prom.example: connection refused"
        await press(pilot, "u")
        await until(pilot, lambda: "connection refused" in text_of(app))
        alert = lines_of(app)[1]
        assert alert.startswith(" ⚠ last answer 0 s ago") and "next try in" in alert
        assert [row[:40] for row in rows_of(app)] == [row[:40] for row in before[: len(rows_of(app))]]
        roles = {role for row in nodes_of(app)._lines[2:4] for text, role in row.spans if text.strip(" │▸")}
        assert roles == {"muted"}
        assert {cell_len(line) for line in lines_of(app)} == {size[0]}
        source.problem = None
        await press(pilot, "u")
        await until(pilot, lambda: "last answer" not in text_of(app) and "●" in lines_of(app)[0])


@sizes
async def test_without_a_first_answer_nothing_looks_well(size: tuple[int, int]) -> None:
    source = SyntheticFleet()
    source.problem = "https://prom.example: certificate has expired"
    app = app_of(source)
    async with shown(app, size) as pilot:
        text = text_of(app)
        assert "no answer yet: certificate has expired" in text or size == (60, 20)
        assert "? unknown until the server answers" in text and "OK" not in text and " 0 " not in text
        await press(pilot, "enter", "L", "slash", "x", "escape", "down", "G")
        assert app.screen is app.fleet_screen


async def test_an_empty_fleet_is_no_good_news() -> None:
    app = app_of(SyntheticFleet(0))
    async with shown(app):
        assert "? the server knows no node with these metrics" in text_of(app) and "no node" in text_of(app)


async def test_only_rows_in_view_get_a_curve_and_fifty_at_most_are_asked_for_at_once() -> None:
    source = SyntheticFleet(5000)
    app = app_of(source)
    async with shown(app, (200, 60)) as pilot:
        room = len(nodes_of(app)._shown)
        await until(pilot, lambda: f"trends {room}" in source.asked)
        await until(pilot, lambda: "▄" in rows_of(app)[0] or "▃" in rows_of(app)[0])
        await press(pilot, "pagedown", "pagedown")
        await until(pilot, lambda: len([what for what in source.asked if what.startswith("trends")]) == 2)
        assert max(int(what.split()[1]) for what in source.asked if what.startswith("trends")) <= 50
        assert f"-{2 * room - 1:,} of 5,000" in text_of(app)


async def test_notes_of_the_server_and_missing_curves_are_said() -> None:
    source = SyntheticFleet()
    source.notes = ("12 nodes left out: the answer has 8 MiB",)
    app = app_of(source)
    async with shown(app) as pilot:
        assert "12 nodes left out: the answer has 8 MiB" in text_of(app)
        await until(pilot, lambda: any(what.startswith("trends") for what in source.asked))
        source.problem = "too many samples"
        await press(pilot, "pagedown", "pagedown")
        await until(pilot, lambda: "curves unknown: too many samples" in text_of(app))
        assert not app.view.lost, "the nodes themselves were read"


async def test_notes_without_room_are_counted() -> None:
    source = SyntheticFleet()
    source.notes = tuple(f"note {number} " + "of many words " * 5 for number in range(6))
    app = app_of(source)
    async with shown(app, (60, 20)):
        assert any(line.rstrip().endswith("(+8)") for line in lines_of(app)), "two rows each"


async def test_the_interval_is_changed_by_keys_and_said() -> None:
    app = app_of(SyntheticFleet())
    async with shown(app) as pilot:
        await press(pilot, "plus", "plus")
        assert app.polled.interval == 10.0 and "every 10 s" in lines_of(app)[0]
        await press(pilot, *["minus"] * 6)
        assert app.polled.interval == 600.0
        app.view.interval = 10.0
        await press(pilot, "plus", "plus")
        assert app.polled.interval == 5.0


async def test_an_unread_terminal_asks_the_server_for_nothing() -> None:
    source = SyntheticFleet()
    app = app_of(source)
    async with shown(app) as pilot:
        app.on_terminal_unread()
        before = len(source.asked)
        app.polled.read_now()
        await pilot.pause(0.2)
        assert len(source.asked) == before
        app.on_terminal_read()
        await until(pilot, lambda: len(source.asked) > before)


async def test_the_help_page_has_every_key_and_the_states() -> None:
    app = app_of(SyntheticFleet())
    async with shown(app, (200, 60)) as pilot:
        await press(pilot, "question_mark")
        text = text_of(app)
        for key in FLEET_KEYS:
            assert key.help[:30] in text, key
        assert "MAY FAIL" in text and "STALE" in text and "Columns" in text
        await press(pilot, "escape", "M", "escape", "t")
        assert app.theme == THEMES[1]


async def test_keys_can_be_rebound() -> None:
    ways = LiveWays(LiveCommand, lambda _: 0)
    app = FleetApp(SyntheticFleet(), FleetView(), ways, keymap={"group": ("B",), "order-up": ("O",)})
    async with shown(app) as pilot:
        assert "B Group" in lines_of(app)[-1]
        await press(pilot, "L")
        assert app.view.label is None
        await press(pilot, "B")
        assert app.view.label == "kernel"
        await press(pilot, "escape", "enter", "O")
        assert app.main.session.manual_order == 5  # type: ignore[attr-defined]


async def test_the_palette_lists_the_commands_of_the_fleet() -> None:
    app = app_of(SyntheticFleet())
    async with shown(app) as pilot:
        await press(pilot, "ctrl+p")
        await pilot.pause()
        assert "Group" in text_of(app) and "Drop caches" not in text_of(app)
        await press(pilot, *"next label", "enter")
        await until(pilot, lambda: app.view.label == "kernel")


LOOKS = (
    TerminalLook("dark", Depth.TRUE, GlyphSet.UNICODE),
    TerminalLook("light", Depth.CONSOLE, GlyphSet.CONSOLE),
    TerminalLook("high-contrast", Depth.NONE, GlyphSet.ASCII),
    TerminalLook("colorblind", Depth.ANSI, GlyphSet.ASCII),
)


async def test_themes_depths_and_glyph_sets_draw_the_same_words() -> None:
    words = set()
    for look in LOOKS:
        app = app_of(SyntheticFleet(40), look)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda app=app: app.view.fleet is not None)  # type: ignore[misc]
            await pilot.pause()
            lines = lines_of(app)
            assert {cell_len(line) for line in lines} == {80}
            assert look.glyph_set is not GlyphSet.ASCII or all(line.isascii() for line in lines)
            words.add(tuple(word for line in lines[1:] for word in line.split() if word[1:].isalpha()))
    assert len(words) == 1


def test_the_help_explains_every_state() -> None:
    explained = [sign.strip(" ✓") for (sign, _), _ in FLEET_TABLES[0][1]]
    assert [sign.replace(" 4 min", "") for sign in explained] == [key.replace("_", " ").upper() for key in STATE_KEYS]
