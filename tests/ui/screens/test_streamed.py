"""The screen of a remote node: its bars, and never flat bars when the link is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from fragtui import streamed_node
from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.sources.recording.reader import RecordedEvent
from fragtui.sources.recording.remote_shell import LinkError
from fragtui.sources.recording.trace import trace_facts
from fragtui.streamed_node import StreamedNode
from fragtui.ui.keys import UNSTREAMED
from tests.support.host_tree import FRAGMENTED
from tests.support.remote_node import RemoteLink, ScriptNode, stream_app
from tests.support.screen import SIZES, lines_of, running, text_of, until


@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
async def test_the_bars_follow_the_node_and_the_top_line_names_it(tmp_path: Path, size: tuple[int, int]) -> None:
    remote = RemoteLink(tmp_path)
    app = stream_app(remote)
    async with running(app, size) as pilot:
        await until(pilot, lambda: remote.name in lines_of(app)[0] or size[0] < 80)
        assert "FRAGMENTED" not in text_of(app)
        remote.tree.zones[1].free_blocks = remote.tree.zones[2].free_blocks = FRAGMENTED
        remote.sample()
        await until(pilot, lambda: "FRAGMENTED" in text_of(app))


async def test_a_lost_link_is_shown_with_its_age_and_its_reason_and_opened_again(tmp_path: Path) -> None:
    remote = RemoteLink(tmp_path)
    app = stream_app(remote)
    async with running(app) as pilot:
        await until(pilot, lambda: f"● {remote.name}" in lines_of(app)[0])
        remote.cut()
        await until(pilot, lambda: f"⚠ {remote.name} lost" in lines_of(app)[0])
        assert "next try in" in lines_of(app)[0] and "Connection to node-7 closed" in text_of(app)
        await until(pilot, lambda: remote.opened == 2 and f"● {remote.name}" in lines_of(app)[0])


@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
async def test_a_node_that_was_never_reached_is_unknown_with_the_reason_until_it_is(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    class Unreached(RemoteLink):
        up = False

        def open(self) -> None:
            if not self.up:
                raise LinkError("ssh: connect to host node-7 port 22: Connection refused")
            super().open()

    remote = Unreached(tmp_path, ScriptNode("fragtui"))
    app = stream_app(remote)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "not reached" in text_of(app))
        card = " ".join(text_of(app).split())
        assert "UNKNOWN" in card and "Connection refused" in card.replace("│ ", "") and "Try by hand: " in card
        assert "reading the kernel log" not in card and "no connection to the node" in card
        remote.up = True
        await until(pilot, lambda: remote.opened == 1 and "UNKNOWN" not in text_of(app))
        assert "no connection to the node" not in text_of(app)


async def test_a_silent_link_is_no_idle_node(tmp_path: Path) -> None:
    remote = RemoteLink(tmp_path)
    app = stream_app(remote)
    async with running(app) as pilot:
        await until(pilot, lambda: f"⚠ no data from {remote.name} for" in lines_of(app)[0])


async def test_paused_the_screen_keeps_what_comes_and_shows_it_later(tmp_path: Path) -> None:
    remote = RemoteLink(tmp_path)
    app = stream_app(remote)
    async with running(app) as pilot:
        await pilot.press("space")
        remote.tree.zones[1].free_blocks = remote.tree.zones[2].free_blocks = FRAGMENTED
        remote.sample()
        end = time.monotonic() + 0.5
        await until(pilot, lambda: time.monotonic() > end)
        assert "FRAGMENTED" not in text_of(app) and "‖ paused" in lines_of(app)[0]
        await pilot.press("space")
        await until(pilot, lambda: "FRAGMENTED" in text_of(app))


async def test_over_a_pipe_no_remedy_is_run_and_the_screen_says_where(tmp_path: Path) -> None:
    app = stream_app(RemoteLink(tmp_path))
    async with running(app) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: "the node of a stream is remote: run fragtui there" in text_of(app))
        for key in UNSTREAMED:
            await pilot.press(key.keys.split(",")[0])
        assert app.screen is app.main


def test_a_stream_without_a_sample_keeps_only_its_newest_updates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged or hostile remote end may send events alone."""
    monkeypatch.setattr(streamed_node, "_MAX_EARLY", 3)
    node = StreamedNode(RemoteLink(tmp_path), lambda _: None, lambda _: None)
    monkeypatch.setattr(node._decoder, "feed", lambda data: [RecordedEvent(1.0, 1.0, "R", (data.decode(),))])
    for number in range(9):
        node._take(b"line %d" % number)
    assert node._early == ["line 6", "line 7", "line 8"]
    batch = TraceBatch(1_700_000_000.0, ended="no more")
    monkeypatch.setattr(node._decoder, "feed", lambda _: [RecordedEvent(1.0, 1.0, "P", tuple(trace_facts(batch)))])
    node._take(b"")
    assert node._early[-1] == batch, "what a replay shows, a stream shows"
