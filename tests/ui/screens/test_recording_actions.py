"""Recording from the save menu: a file with the minutes before it, until ended; a disk that fails is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from fragtui.sources.recording.kernel_log import RecordedLog
from fragtui.sources.recording.reader import Recording, read_recording
from tests.support.host_tree import HostTree
from tests.support.screen import make_app, running, text_of, until


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, beside the host."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def recorded(directory: Path) -> Recording:
    (path,) = directory.glob("fragtui-node-7-*.rec")
    return read_recording(path)


@pytest.mark.slow
async def test_it_records_what_was_before_until_pressed_again(tmp_path: Path, work: Path) -> None:
    tree = HostTree.small(tmp_path / "host")
    (tmp_path / "kern.log").write_text(
        "<4>[  100.000000] runc:[1:CHILD]: page allocation failure: order:6, mode:0xdc0(GFP_KERNEL|__GFP_ZERO)\n"
    )
    app = make_app(tmp_path / "host", kernel_log=str(tmp_path / "kern.log"))
    async with running(app) as pilot:
        await until(pilot, lambda: "order 6" in text_of(app))
        first = app.main.session.snapshot
        assert first is not None
        tree.zones[2].free_blocks = (7,) * 11
        tree.write()
        await until(pilot, lambda: app.main.session.zone is not None and app.main.session.zone.free_blocks == (7,) * 11)
        await pilot.press("w", "r")
        await until(pilot, lambda: "◉ recording" in text_of(app))
        tree.zones[2].free_blocks = (9,) * 11
        tree.write()
        await until(pilot, lambda: app.main.session.zone is not None and app.main.session.zone.free_blocks == (9,) * 11)
        await pilot.press("w", "r")
        await until(pilot, lambda: "Recorded" in text_of(app))
        assert "◉ recording" not in text_of(app)
        last = app.main.session.snapshot
        assert last is not None
    found = recorded(work)
    assert not found.damaged
    assert found.ticks[0].time <= first.time + 0.001
    assert found.ticks[-1].time >= last.time - 0.5
    log = RecordedLog()
    updates = [one for event in found.events if event.kind == "L" and (one := log.update(event)) is not None]
    assert [incident.order for each in updates for incident in each.incidents] == [6]


@pytest.mark.slow
async def test_leaving_ends_the_file_in_order(tmp_path: Path, work: Path) -> None:
    HostTree.small(tmp_path / "host")
    app = make_app(tmp_path / "host")
    async with running(app) as pilot:
        await pilot.press("w", "r")
        await until(pilot, lambda: "◉ recording" in text_of(app))
        await pilot.press("q")
        await until(pilot, lambda: "A recording is being written to" in " ".join(text_of(app).split()))
        await pilot.press("q")
    assert not recorded(work).damaged


@pytest.mark.slow
async def test_a_place_that_can_not_be_written_is_reported(
    tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    HostTree.small(tmp_path / "host")
    work.rmdir()
    monkeypatch.setattr(Path, "cwd", lambda: work)
    app = make_app(tmp_path / "host")
    async with running(app) as pilot:
        await pilot.press("w", "r")
        await until(pilot, lambda: "Not recorded" in text_of(app))
        assert "◉ recording" not in text_of(app)
        assert app.is_running
