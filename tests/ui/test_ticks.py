"""A tick does no more than a sample needs, and nothing stays switched off after the start."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fragtui.ui import dashboard
from fragtui.ui.panels.failures import FailuresPanel
from fragtui.ui.panels.zones import ZonesPanel
from fragtui.ui.widgets.rows import Line, LinesWidget
from tests.support.host_tree import HostTree
from tests.support.screen import make_app, running, until


@pytest.fixture
def without_collections() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.usefixtures("without_collections")
async def test_garbage_is_collected_again_after_the_first_bars(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path, interval=60.0)
    async with running(app) as pilot:
        await until(pilot, gc.isenabled, 10.0)
        assert gc.get_freeze_count()


async def test_a_sample_builds_only_the_panels_that_follow_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = HostTree.small(tmp_path)
    app = make_app(tmp_path, interval=60.0)
    app.readers.stop()
    async with running(app) as pilot:
        await until(pilot, lambda: app.main.session.remedies is not None, 10.0)
        await pilot.pause(0.4)
        built: list[str] = []

        def note(kind: type[LinesWidget]) -> Callable[[int, int], list[Line]]:
            def build(width: int, height: int) -> list[Line]:
                built.append(kind.__name__)
                return []

            return build

        for kind in (FailuresPanel, ZonesPanel):
            monkeypatch.setattr(app.main.dashboard.panel(kind), "build", note(kind))

        async def tick() -> None:
            before = app.main.session.snapshot
            tree.write()
            app.sampler.tick_now()
            await until(pilot, lambda: app.main.session.snapshot is not before, 5.0)
            await pilot.pause()

        await tick()
        assert set(built) == {"ZonesPanel"}
        monkeypatch.setattr(dashboard, "_WHOLE_SECONDS", 0.0)  # Times of the day get a date after half a day.
        await tick()
        assert "FailuresPanel" in built
