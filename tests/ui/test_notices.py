"""Messages in one line, never over the pods; and the question before fragtui ends with something that runs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from fragtui.remedies.catalogue import drop_caches
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.service import RemedyState
from fragtui.sources.host.reader import NodeReader
from fragtui.ui.app import FragtuiApp
from fragtui.ui.dialogs.quit import QuitDialog
from fragtui.ui.dialogs.remedy_dialogs import DialogContext, RemedyDialog
from fragtui.ui.notices import MAX_NOTICES, NoticeLog
from fragtui.ui.pages.notices_page import notice_lines
from tests.support.host_tree import HostTree
from tests.support.screen import lines_of, make_app, running, text_of, texts_of, until


def test_the_log_counts_what_comes_again_and_is_bounded() -> None:
    log = NoticeLog()
    assert log.newest is None and log.fresh is None
    for number in range(MAX_NOTICES + 5):
        log.add(f"message {number}", "information")
        log.add(f"message {number}", "warning")
    assert len(log.notices) == MAX_NOTICES
    assert log.newest is not None and (log.newest.count, log.newest.style) == (2, "warn")
    log.add("soon over", "error", -1.0)
    assert log.fresh is None, "its time is over"
    page = texts_of(notice_lines(log, 40))
    assert page[0].endswith("soon over") and page[1].endswith(f"message {MAX_NOTICES + 4} ×2"), "the newest first"


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)], ids=["60x20", "80x24", "120x40"])
async def test_a_message_takes_one_line_and_no_panel(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app, size) as pilot:
        await until(pilot, lambda: "no remedies" in text_of(app))
        before = lines_of(app)
        app.notify("[b]words[/b] " + "long " * 60, title="Report written", severity="warning", timeout=0.6)
        await until(pilot, lambda: "Report written: [b]words[/b]" in text_of(app))
        changed = [y for y, row in enumerate(lines_of(app)) if "Report written" in row]
        assert changed == ([size[1] - 2] if size == (120, 40) else [0])
        assert lines_of(app)[-1] == before[-1] and len(lines_of(app)) == size[1]
        if size == (120, 40):
            assert "1 message M" in lines_of(app)[-2]
            await pilot.click("#keys", offset=(4, 0))
        else:
            await until(pilot, lambda: "node-7" in lines_of(app)[0])
            await pilot.press("M")
        await until(pilot, lambda: "Messages" in text_of(app))
        assert " ".join(text_of(app).replace("│", " ").split()).count("long") == 60, "the page has all of it"
        await pilot.press("escape")


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 20), (80, 24)], ids=["60x20", "80x24"])
async def test_a_question_says_itself_why_an_answer_was_not_taken(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app, size) as pilot:
        setting = DialogContext(NodeReader(tmp_path).sample(), 6, Path("/"), Path("/var/log/fragtui/audit.jsonl"))
        dialog = RemedyDialog(setting, (drop_caches(3, sync=False), drop_caches(3, sync=True)))
        app.push_screen(dialog)
        await until(pilot, lambda: "y runs it" in text_of(app))
        await pilot.press("y")
        await until(pilot, lambda: "Not taken: it came" in text_of(app))
        assert "Cancel" in text_of(app) and "y runs it" in text_of(app), "its answers stay on the screen"
        assert app.screen is dialog


async def test_ctrl_c_says_how_to_quit(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "Ctrl-C does not quit fragtui: press q." in text_of(app))
        assert app.is_running


async def asked(app: FragtuiApp, pilot: Pilot[int], text: str) -> None:
    await pilot.press("q")
    await until(pilot, lambda: isinstance(app.screen, QuitDialog))
    await until(pilot, lambda: text in " ".join(text_of(app).replace("│", " ").split()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "text"),
    [
        (RemedyState(guard=Policy(order=6)), "The guard is on. It works only while fragtui runs"),
        (
            RemedyState(running="Compact all memory", started=time.monotonic()),
            "(Compact all memory). Quitting aborts it",
        ),
    ],
    ids=["guard", "remedy"],
)
async def test_q_asks_once_while_something_runs(tmp_path: Path, state: RemedyState, text: str) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await until(pilot, lambda: app.main.session.remedies is not None)
        app.main.session.remedies = state
        for stay in ("escape", "n", "enter"):
            await asked(app, pilot, text)
            await pilot.press(stay)
            await until(pilot, lambda: app.screen is app.main)
        await asked(app, pilot, text)
        await pilot.press("q")
    assert app.return_code == 0
