"""The guard is explained in sentences, starts dry, and asks for the node's name before it is on for real."""

from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from fragtui.remedies.guard.policy import Policy, QuietHours, parse_policy
from fragtui.render.remedy.guard_text import guard_sentences
from fragtui.ui.dialogs.guard_dialog import GuardContext, GuardDialog
from tests.support.host_tree import HostTree
from tests.support.person import PAUSE, press
from tests.support.screen import lines_of, make_app, running, text_of, until

AUDIT = Path("/var/log/fragtui/audit.jsonl")
FIRST = GuardContext("node-7", 4096, AUDIT, used=False, trusted=False, switch_key="A", abort_key="x")


def test_the_policy_in_four_sentences() -> None:
    policy = Policy(order=10, quiet=(QuietHours(time(8), time(18)),), period=21_600.0)
    assert guard_sentences(policy, 4096) == (
        ("When", "It acts when fewer than 64 blocks of 4M (order 10) are free for 30 s. It also acts every 6 h."),
        ("What", "It runs these steps in order, until 64 blocks are free: sync, drop page cache, drop slab."),
        ("How often", "It waits 10 min between two runs, and runs at most 3 times an hour."),
        (
            "Stops",
            "It waits while memory pressure is 40 % or more, and in quiet hours (08:00-18:00). "
            "It gives up after 3 runs in a row without a gain, or when no step is left to try.",
        ),
    )


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)], ids=str)
async def test_the_first_use_is_a_dry_run(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    answers: list[Policy | None] = []
    async with running(app, size) as pilot:
        app.push_screen(GuardDialog(Policy(order=4), FIRST), answers.append)
        await until(pilot, lambda: "as a dry run?" in text_of(app))
        await until(pilot, lambda: "runs nothing" in text_of(app))
        text = text_of(app)
        assert "When       It acts when fewer than 64 blocks" in text
        assert "hold =" not in text
        assert app.focused is app.screen.query_one("#cancel")
        assert "d for real · p policy" in text
        await press(pilot, "y")
        assert answers == [Policy(order=4, dry_run=True)]


@pytest.mark.slow
async def test_the_policy_as_written_is_a_key_away(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        app.push_screen(GuardDialog(Policy(order=4), FIRST))
        await until(pilot, lambda: "How often" in text_of(app))
        await pilot.press("p")
        await until(pilot, lambda: "dry_run = true" in text_of(app))
        page = app.screen.query_one("#dialog-page")
        toml = "\n".join(row.spans[0][0] for row in page._lines if row.spans and "=" in row.spans[0][0])  # type: ignore[attr-defined]
        assert parse_policy(toml) == Policy(order=4, dry_run=True)
        await pilot.press("p")
        await until(pilot, lambda: "dry_run" not in text_of(app))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 20), pytest.param((120, 40), marks=pytest.mark.by_hand)], ids=str)
async def test_the_first_real_use_needs_the_name_of_the_node(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    answers: list[Policy | None] = []
    async with running(app, size) as pilot:
        app.push_screen(GuardDialog(Policy(order=4), FIRST), answers.append)
        await until(pilot, lambda: "runs nothing" in text_of(app))
        await press(pilot, "d")
        await until(pilot, lambda: "Switch the guard on for real?" in text_of(app))
        assert isinstance(app.focused, Input)
        assert any("type node-7" in row for row in lines_of(app))
        await press(pilot, "enter")
        assert answers == [], "no name"
        for letter in ("n", "y", "q", "enter"):
            await press(pilot, letter)
        assert answers == [], "another name"
        assert app.focused.value == "nyq"
        app.focused.value = ""
        for letter in "node-7":
            await pilot.press(letter)
        await press(pilot, "enter")
        assert answers == [Policy(order=4, dry_run=False)]


@pytest.mark.slow
async def test_a_pasted_name_confirms_nothing(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    answers: list[Policy | None] = []
    async with running(app) as pilot:
        app.push_screen(GuardDialog(Policy(order=4), FIRST), answers.append)
        await until(pilot, lambda: "runs nothing" in text_of(app))
        await press(pilot, "d")
        await until(pilot, lambda: isinstance(app.focused, Input))
        app.post_message(events.Paste("node-7"))
        await pilot.pause(1.2)
        await press(pilot, "enter")
        assert answers == []
        await pilot.press("escape")
        await until(pilot, lambda: answers == [None])


@pytest.mark.slow
async def test_the_name_is_asked_for_once(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    answers: list[Policy | None] = []
    async with running(app) as pilot:
        app.push_screen(GuardDialog(Policy(order=4), replace(FIRST, used=True)), answers.append)
        await until(pilot, lambda: "for real?" in text_of(app))
        await press(pilot, "y")
        assert answers == [], "the name was not typed yet"
        assert isinstance(app.focused, Input)
        await pilot.press("escape")
        await until(pilot, lambda: answers == [None])
        app.push_screen(GuardDialog(Policy(order=4), replace(FIRST, used=True, trusted=True)), answers.append)
        await until(pilot, lambda: "for real?" in text_of(app))
        assert not app.screen.query_one(Input).display
        await pilot.pause(PAUSE)
        await press(pilot, "y")
        assert answers[1:] == [Policy(order=4, dry_run=False)]
