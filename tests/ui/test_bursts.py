"""Keys and clicks that come faster than screens open and close end nothing, and neither does one that fails."""

import asyncio
import re
from itertools import product
from pathlib import Path

import pytest
from textual import events
from textual.keys import key_to_character

from fragtui.remedies.catalogue import compact_all, drop_caches
from fragtui.remedies.service import HistoryView
from fragtui.sources.host.reader import NodeReader
from fragtui.ui.app import FragtuiApp
from fragtui.ui.dialogs.command_palette import CommandPalette
from fragtui.ui.dialogs.remedy_dialogs import DialogContext, RemedyDialog
from fragtui.ui.messages import HistoryLoaded
from fragtui.ui.notices import MAX_NOTICES
from fragtui.ui.panels.zones import ZonesPanel
from fragtui.ui.screens.live import LiveScreen
from fragtui.ui.session import Session
from fragtui.ui.widgets.page import PageScreen
from tests.support.host_tree import HostTree
from tests.support.person import press
from tests.support.screen import make_app, running, text_of, until

pytestmark = pytest.mark.slow

TURNS = (0, 1, 2)
"""Turns of the loop between two keys."""


async def type_at(app: FragtuiApp, *keys: str, turns: int = 0) -> None:
    """Hand keys to the application as its driver does, without waiting for what they do."""
    for key in keys:
        app.post_message(events.Key(key, key_to_character(key)))
        for _ in range(turns):
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    "keys",
    [
        "slash enter slash x escape escape enter",
        "ctrl+p enter enter enter",
        "ctrl+p pagedown pageup down enter enter",
        "question_mark pagedown j escape q enter",
        "r H H enter enter escape",
    ],
)
async def test_keys_in_a_burst_end_nothing(tmp_path: Path, keys: str) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        # `q` on the main screen would rightly end it.
        del app.main._bindings.key_to_bindings["q"]
        for turns in TURNS:
            await type_at(app, *keys.split(), turns=turns)
            await pilot.pause()
            await pilot.press("escape", "escape", "escape")
            await until(pilot, lambda: len(app.screen_stack) == 1)
        assert app.is_running


@pytest.mark.parametrize("keys", ["enter escape", "n enter q", "pagedown down escape escape"])
async def test_a_warning_is_answered_once(tmp_path: Path, keys: str) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        del app.main._bindings.key_to_bindings["q"]
        setting = DialogContext(NodeReader(tmp_path).sample(), 6, Path("/"), Path("/var/log/fragtui/audit.jsonl"))
        for turns, laid_out in product(TURNS, (False, True)):
            answers: list[object] = []
            app.push_screen(RemedyDialog(setting, (compact_all(),)), answers.append)
            if laid_out:
                await pilot.pause()
            await type_at(app, *keys.split(), turns=turns)
            await pilot.pause()
            await pilot.press("escape", "escape")
            await until(pilot, lambda: len(app.screen_stack) == 1)
            await pilot.pause()
            assert len(answers) == 1


@pytest.mark.parametrize(
    "action",
    [
        "answer(False)",
        "dismiss",
        *(pytest.param(each, marks=pytest.mark.by_hand) for each in ("scroll(10)", "next_variant")),
    ],
)
async def test_a_key_between_a_push_and_its_compose_does_nothing(tmp_path: Path, action: str) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        setting = DialogContext(NodeReader(tmp_path).sample(), 6, Path("/"), Path("/var/log/fragtui/audit.jsonl"))
        for over in (
            PageScreen("page", lambda _: []),
            RemedyDialog(setting, (compact_all(), drop_caches(1, sync=False))),
        ):
            if hasattr(over, f"action_{action.partition('(')[0]}"):
                app.push_screen(over)
                await app.run_action(action, over)
                await pilot.pause()
                assert app.screen is over
                over.dismiss(None)
                await pilot.pause()


async def test_an_answer_never_closes_another_screen(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        below, above = PageScreen("below", lambda _: []), PageScreen("above", lambda _: [])
        await app.push_screen(below)
        await app.push_screen(above)
        below.dismiss(None)
        await pilot.pause()
        assert app.screen is above
        above.dismiss(None)
        above.dismiss(None)
        await pilot.pause()
        assert app.screen is below


@pytest.mark.parametrize(("key", "opened"), [("ctrl+p", "Commands"), ("M", "Messages")])
async def test_screens_do_not_pile_up(tmp_path: Path, key: str, opened: str) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await type_at(app, *[key] * 8, turns=5)
        await until(pilot, lambda: opened in text_of(app))
        await pilot.pause(0.5)
        assert len(app.screen_stack) == 2


async def test_pages_that_come_late_do_not_pile_up(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await pilot.press("H")
        await until(pilot, lambda: "Logged remedies" in text_of(app))
        for _ in range(3):
            app.main.post_message(HistoryLoaded(HistoryView((), None, (), ())))
        await pilot.pause(0.5)
        assert len(app.screen_stack) == 2


async def test_a_command_is_found_by_its_words_and_run_once(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert isinstance(app.screen, CommandPalette)
        assert re.search(r"Compact node +N +Compact the chosen", text_of(app))
        app.post_message(events.MouseScrollDown(None, 50, 10, 0, 0, 0, False, False, False, 50, 10))
        await until(pilot, lambda: " 4 of " in text_of(app))
        await pilot.press(*"migrat")
        await until(pilot, lambda: " 1 of 1 " in text_of(app))
        before = app.main.session.by_type
        await type_at(app, "enter", "enter", "enter")
        await until(pilot, lambda: app.main.session.by_type != before)
        await pilot.pause()
        assert app.main.session.by_type != before


async def test_the_mouse_is_dragged_over_a_message(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        app.notify("Something that is worth a line of its own", title="Said", markup=False)
        await until(pilot, lambda: "worth a line" in text_of(app))
        rows = [y for y, row in enumerate(text_of(app).splitlines()) if "worth a line" in row]
        at = text_of(app).splitlines()[rows[0]].index("worth")
        for kind, x in ((events.MouseDown, at), *((events.MouseMove, at + step) for step in range(1, 6))):
            app.post_message(kind(app.screen, x, rows[0], 1, 0, 1, False, False, False, x, rows[0]))
            await pilot.pause()
        app.post_message(events.MouseUp(app.screen, at + 6, rows[0], 0, 0, 1, False, False, False, at + 6, rows[0]))
        await pilot.pause()
        assert app.is_running


async def test_a_held_key_does_not_pile_up_messages(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        for number in range(MAX_NOTICES):
            app.notify("the same", timeout=60, markup=False)
            app.notify("the same", timeout=60, markup=False)
            app.notify(f"number {number}", timeout=60, markup=False)
        await until(pilot, lambda: f"number {MAX_NOTICES - 1}" in text_of(app))
        assert len(app.notices.notices) == MAX_NOTICES
        assert not app.screen.query("Toast"), "nothing covers the panels"


@pytest.mark.parametrize("turns", [0, 1, 2])
async def test_keys_while_it_ends_are_ignored(tmp_path: Path, turns: int) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app):
        await type_at(app, "q", "question_mark", "slash", "H", "pagedown", "m", "q", turns=turns)
        await asyncio.sleep(0.5)
    assert app.return_code == 0


async def test_a_key_that_fails_is_reported_and_the_screen_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: LiveScreen) -> None:
        raise LookupError("broken \x1b[31m")

    monkeypatch.setattr(LiveScreen, "action_baseline", fail)
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await pilot.press("b", "b")
        await until(pilot, lambda: "LookupError: broken" in text_of(app))
        assert "\x1b" not in text_of(app)
        await pilot.press("question_mark")
        await until(pilot, lambda: "Keys and signs" in text_of(app))
        reported, app.outlived = app.outlived, []
        assert len(reported) == 1, "the same fault is reported once"
    assert app.return_code in (None, 0)
    app.outlived = reported
    app.say_failure()
    printed = capsys.readouterr().err
    assert r"LookupError: broken \x1b[31m" in printed
    assert "\x1b" not in printed


async def test_a_delayed_action_that_fails_is_reported_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise LookupError("broken")

    monkeypatch.setattr(LiveScreen, "action_baseline", lambda self: self.app.key_gate.then(fail))
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await press(pilot, "b")
        await until(pilot, lambda: "LookupError: broken" in text_of(app))
        app.outlived.clear()


async def test_keys_that_only_fail_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: LiveScreen) -> None:
        raise LookupError("broken")

    monkeypatch.setattr(LiveScreen, "action_baseline", fail)
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    with pytest.raises(LookupError):
        async with running(app) as pilot:
            await pilot.press(*"bbbbb")
            await pilot.pause(1)
    assert app.return_code == 1


async def test_a_panel_that_fails_reports_it_and_the_others_continue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: ZonesPanel, width: int, height: int) -> None:
        raise LookupError("broken")

    tree = HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        monkeypatch.setattr(ZonesPanel, "build", fail)
        before = app.main.session.snapshot
        tree.write()
        await until(pilot, lambda: app.main.session.snapshot is not before)
        await until(pilot, lambda: "fragtui failed to draw this (LookupError)" in text_of(app))
        assert "node-7" in text_of(app)
        app.outlived.clear()


async def test_a_snapshot_that_cannot_be_taken_leaves_the_screen_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Session, snapshot: object) -> bool:
        raise LookupError("broken")

    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        monkeypatch.setattr(Session, "accept", fail)
        await until(pilot, lambda: "stale" in text_of(app))
        app.outlived.clear()
