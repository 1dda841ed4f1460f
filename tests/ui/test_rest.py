"""While no process reads the terminal nothing is drawn, and only consumers that need samples get them."""

from pathlib import Path

import pytest

from fragtui.sampler import Sampler
from fragtui.ui.messages import TerminalRead, TerminalUnread
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.screen import make_app, running, text_of, until


async def test_nothing_is_drawn_until_the_terminal_reads_again(tmp_path: Path) -> None:
    tree = HostTree.small(tmp_path, FRAGMENTED)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        app.post_message(TerminalUnread())
        await until(pilot, lambda: app.sampler.resting)
        before = text_of(app)
        tree.zones[1].free_blocks = (4321, *FRAGMENTED[1:])
        tree.write()
        app.sampler.tick_now()
        await until(pilot, lambda: "4321" in str(app.main.session.snapshot))
        assert text_of(app) == before
        app.post_message(TerminalRead())
        await until(pilot, lambda: "4321" in text_of(app))
        assert not app.sampler.resting


@pytest.mark.slow
async def test_a_recording_keeps_its_pace_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await pilot.press("w", "r")
        await until(pilot, lambda: app.dependencies.recorder is not None and app.dependencies.recorder.file is not None)
        app.post_message(TerminalUnread())
        await pilot.pause()
        ticks = [app.main.session.snapshot]
        for _ in range(3):
            await until(pilot, lambda: app.main.session.snapshot is not ticks[-1], 2.0)
            ticks.append(app.main.session.snapshot)
        assert isinstance(app.sampler, Sampler)
        assert not app.sampler.resting
