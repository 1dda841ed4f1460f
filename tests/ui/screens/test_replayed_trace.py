"""A trace in a replay: the same sums at any place of the recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from fragtui.kernel.tracing.event_lines import parse_events
from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.model.tracing.trace_collector import TraceCollector
from fragtui.player import Player
from fragtui.sources.host.reader import NodeReader
from fragtui.sources.host.snapshot_builder import Tick
from fragtui.sources.recording.reader import read_recording
from fragtui.sources.recording.recorder import Recorder
from fragtui.ui.clock import CLOCK
from fragtui.ui.replay_app import ReplayApp
from tests.support.screen import text_of, until
from tests.support.traces import saved_trace


def recorded(root: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a recording of a minute; a trace begins after 10 s and brings 64 denied requests after 40 s."""
    reader = NodeReader(root)
    texts: list[Tick] = []
    reader.on_tick = texts.append
    recorder = Recorder(reader.host)
    collector = TraceCollector(lambda pid, comm: None)
    for second in range(60):
        now = 1_700_000_000.0 + second
        reader.sample()
        recorder.take_tick(texts[-1]._replace(time=now, monotonic=5000.0 + second))
        # Events are stamped by the clock.
        monkeypatch.setattr("fragtui.sources.recording.recorder.time.monotonic", lambda at=5000.5 + second: at)
        if second == 10:
            recorder.trace(collector.batch(now))
        if second == 40:
            collector.take(parse_events(saved_trace("6.18"))[0])
            recorder.trace(collector.batch(now))
        if second == 50:
            recorder.trace(TraceBatch(now, ended=""))
    monkeypatch.undo()
    recorder.save(path)
    recorder.end()
    return path


@pytest.mark.slow
async def test_a_replay_has_the_trace_of_its_moment(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = read_recording(recorded(root, tmp_path / "x.rec", monkeypatch))
    app = ReplayApp(lambda play, crash: Player(recording, play, crash))
    try:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, lambda: app.main.session.snapshot is not None)
            app.player.play_or_pause()
            await pilot.press("T")
            await until(pilot, lambda: "No trace has begun by this moment" in text_of(app))
            app.player.seek_by(45)
            await until(pilot, lambda: app.main.session.trace is not None and app.main.session.trace.denied == 64)
            await until(pilot, lambda: "64 not logged, traced since" in text_of(app))
            await pilot.press("T")
            await until(pilot, lambda: "Denied requests: 64" in text_of(app))
            assert "starts another" not in text_of(app) and "switches it off" not in text_of(app)
            await pilot.press("x", "escape")
            app.player.to_end()
            await until(pilot, lambda: app.main.session.trace is not None and not app.main.session.trace.running)
            app.player.to_end(beginning=True)
            await until(pilot, lambda: app.main.session.trace is None)
            assert app.outlived == []
    finally:
        CLOCK.show(None)
