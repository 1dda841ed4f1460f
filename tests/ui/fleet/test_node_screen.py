"""One node of a fleet by itself: its bars from the server's series, its history, and the way to its live screen."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from fragtui.model.fleet.fleet import Counting
from fragtui.ui.fleet.app import FleetApp, LiveWays
from fragtui.ui.fleet.live_command import LiveCommand
from fragtui.ui.fleet.node_screen import NodeScreen
from fragtui.ui.fleet.view import FleetView
from fragtui.ui.keys import NODE_KEYS
from tests.support.fleet_source import SyntheticFleet
from tests.support.screen import SIZES, lines_of, text_of, until
from tests.ui.fleet.test_fleet_screen import app_of, press, shown, sizes


async def opened(app: FleetApp, pilot: object) -> None:
    await until(pilot, lambda: isinstance(app.screen, NodeScreen) and app.view.state.node is not None)  # type: ignore[arg-type]
    await until(pilot, lambda: app.screen.session.snapshot is not None)  # type: ignore[arg-type, attr-defined]


@sizes
async def test_enter_shows_the_bars_and_the_history_of_the_node(size: tuple[int, int]) -> None:
    source = SyntheticFleet()
    app = app_of(source)
    async with shown(app, size) as pilot:
        await press(pilot, "enter")
        await opened(app, pilot)
        await until(pilot, lambda: "node-0116:9917 3600" in source.asked)
        await until(pilot, lambda: len(app.view.state.node.series) == 61)  # type: ignore[union-attr]
        await pilot.pause()
        text = text_of(app)
        assert {cell_len(line) for line in lines_of(app)} == {size[0]}
        assert "FRAGMENTED" in text and "node-0116" in text and "no block" in text
        normal = next(line for line in lines_of(app) if "N0 Normal" in line)
        assert "✗ none" in normal
        if size[0] >= 80:
            assert "migratetypes are unknown" in " ".join(text.split()) and "last 60 min" in text
            assert "39 requests in the last 15 minutes" in text and "2 pods" in text
        if size[1] >= 40:
            assert "Blocks of 64K that kernel requests may take" in text
        await press(pilot, "escape")
        assert app.screen is app.fleet_screen and app.view.opened is None and app.view.state.node is None
        assert app.view.selected == "node-0116:9917", "the selection stays"


async def test_keys_change_the_size_the_zones_and_the_length_of_the_history() -> None:
    source = SyntheticFleet()
    app = app_of(source)
    async with shown(app) as pilot:
        await press(pilot, "enter")
        await opened(app, pilot)
        await press(pilot, "left_square_bracket")
        assert "▾32K" in text_of(app) and "Can a 64K block" in text_of(app), "the card keeps the fleet's size"
        assert "N0 DMA " not in text_of(app)
        await press(pilot, "D")
        assert "N0 DMA " in text_of(app)
        await press(pilot, "o", "down", "up", "h")
        await until(pilot, lambda: "node-0116:9917 86400" in source.asked)
        assert "last 24 h" in text_of(app)
        before = source.asked.count("fleet")
        await press(pilot, "u")
        await until(pilot, lambda: source.asked.count("fleet") > before)
        await until(pilot, lambda: source.asked.count("node-0116:9917") > 1)
        await press(pilot, "question_mark")
        assert "Show the node live" in text_of(app)
        await press(pilot, "escape", "M", "escape", "t")
        assert isinstance(app.screen, NodeScreen)


def test_every_key_of_the_screens_has_an_action() -> None:
    for key in NODE_KEYS:
        owner = FleetApp if key.action.startswith("app.") else NodeScreen
        assert hasattr(owner, f"action_{key.action.partition('(')[0].removeprefix('app.')}"), key


async def test_a_node_of_lean_metrics_has_its_blocks_over_time_and_says_what_is_missing() -> None:
    source = SyntheticFleet(lean=True)
    app = app_of(source)
    async with shown(app) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: "Blocks of 64K that requests may take" in text_of(app))
        await until(pilot, lambda: "▇" in text_of(app))
        assert "unknown: no free blocks by order" in text_of(app)
        assert "Zones" not in text_of(app)


async def test_a_node_that_the_server_has_no_blocks_of_is_unknown() -> None:
    app = app_of(SyntheticFleet())
    async with shown(app) as pilot:
        await press(pilot, "slash", *"unknown", "enter", "enter")
        await until(pilot, lambda: "the server has no blocks of it" in text_of(app))
        await until(pilot, lambda: "? no sample in this time" in text_of(app))
        assert "OK" not in text_of(app)


async def test_a_node_that_is_gone_says_so_and_is_not_shown_live() -> None:
    source = SyntheticFleet()
    app = app_of(source)
    async with shown(app) as pilot:
        await press(pilot, "enter")
        await opened(app, pilot)
        source.left_out.add("node-0116:9917")
        await press(pilot, "u")
        await until(pilot, lambda: "the server knows no such node any more" in text_of(app))
        await press(pilot, "enter")
        assert isinstance(app.screen, NodeScreen)


async def test_a_lost_server_is_said_on_the_screen_of_the_node_too() -> None:
    source = SyntheticFleet(counting=Counting.RAW)
    app = app_of(source)
    async with shown(app, (80, 24)) as pilot:
        await press(pilot, "enter")
        await opened(app, pilot)
        assert "node_exporter does not count failed requests" in text_of(app)
        source.problem = "https://prom.example: timed out"
        await press(pilot, "u")
        await until(pilot, lambda: "⚠ last answer" in lines_of(app)[1] and "timed out" in lines_of(app)[1])
        assert "N0 Normal" in text_of(app), "the old bars stay"


async def test_the_question_shows_the_exact_command_and_its_answer_ends_the_screen() -> None:
    app = app_of(SyntheticFleet())
    async with shown(app) as pilot:
        await press(pilot, "enter")
        await opened(app, pilot)
        await press(pilot, "enter")
        assert "run ssh://node-0116" in text_of(app) and "run kube://node-0116" not in text_of(app)
        await press(pilot, "down")
        assert "run kube://node-0116" in text_of(app)
        await press(pilot, "escape")
        assert app.live is None and isinstance(app.screen, NodeScreen)
        await press(pilot, "enter", "down", "enter")
        await until(pilot, lambda: app.live == "kube://node-0116")
    assert app.view.opened == "node-0116:9917", "the fleet opens it again"


@pytest.mark.parametrize(("key", "url"), [("s", "ssh://node-0116"), ("k", "kube://node-0116")])
async def test_a_key_chooses_the_way(key: str, url: str) -> None:
    app = app_of(SyntheticFleet())
    async with shown(app, SIZES[0]) as pilot:
        await press(pilot, "enter")
        await opened(app, pilot)
        await press(pilot, "enter", "k", "s", key)
        assert f"run {url}" in text_of(app) and app.live is None, "it is shown before it is run"
        await press(pilot, "enter")
        await until(pilot, lambda: app.live == url)


async def test_a_way_that_cannot_be_used_says_why() -> None:
    source = SyntheticFleet(1)
    source.host = "-oProxyCommand=x"
    app = app_of(source)
    async with shown(app) as pilot:
        await press(pilot, "enter")
        await opened(app, pilot)
        await press(pilot, "enter", "s", "enter")
        assert "'-oProxyCommand=x' is no name of a host" in text_of(app)
        await press(pilot, "k", "enter")
        assert "'-oProxyCommand=x' is no name of a Kubernetes node" in text_of(app)
        assert app.live is None
        await press(pilot, "q")
        assert isinstance(app.screen, NodeScreen)


@pytest.mark.parametrize("host", ["node-1", "no such host"])
async def test_the_way_that_was_chosen_at_the_start_asks_nothing(host: str) -> None:
    source = SyntheticFleet(1)
    source.host = host
    usable = LiveWays(lambda url: LiveCommand(f"run {url}"), lambda _: 0, scheme="ssh")
    app = FleetApp(source, FleetView(), usable)
    async with shown(app) as pilot:
        await press(pilot, "enter")
        await opened(app, pilot)
        await press(pilot, "enter")
        if host == "node-1":
            await until(pilot, lambda: app.live == "ssh://node-1")
        else:
            assert "'no such host' is no name of a host" in text_of(app) and app.live is None


async def test_without_the_program_there_is_no_such_way() -> None:
    ways = LiveWays(lambda _: LiveCommand("ssh is not on PATH", usable=False), lambda _: 0, scheme="ssh")
    app = FleetApp(SyntheticFleet(), FleetView(), ways)
    async with shown(app) as pilot:
        await press(pilot, "enter")
        await opened(app, pilot)
        await press(pilot, "enter")
        assert "ssh is not on PATH" in text_of(app) and app.live is None


async def test_back_from_the_live_screen_the_node_is_open_again() -> None:
    source = SyntheticFleet()
    view = FleetView(opened="node-0116:9917")
    view.state = view.state._replace(fleet=source.read())
    app = FleetApp(source, view, LiveWays(LiveCommand, lambda _: 0))
    async with shown(app) as pilot:
        await opened(app, pilot)
        await press(pilot, "escape")
        assert app.screen is app.fleet_screen and "1-30 of 200" in text_of(app)
