"""A change of the pods that can wait is drawn with the next sample; news is drawn at once."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import StuckPods
from fragtui.ui.app import FragtuiApp
from fragtui.ui.messages import PodsUpdated
from fragtui.ui.screens import live
from tests.support.crowd import pods
from tests.support.host_tree import HostTree
from tests.support.screen import make_app, running, until

FIRST = pods()
COUNTED = replace(FIRST, dropped=1)
LATER = replace(FIRST, dropped=2)
FEWER = replace(FIRST, stuck=StuckPods(FIRST.stuck.pods[1:]))


class Draws:
    """Counts how often the screen of an application draws its panels."""

    def __init__(self, app: FragtuiApp, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.whole = 0
        """Draws of all panels, not only of those that follow samples."""
        self._app = app
        draw = app.main.dashboard.show

        def show(*, sampled: bool = False) -> None:
            self.count += 1
            self.whole += not sampled
            draw(sampled=sampled)

        monkeypatch.setattr(app.main.dashboard, "show", show)

    async def started(self, pilot: Pilot[int]) -> None:
        """Wait until what starts after the first bars is drawn."""
        await until(pilot, lambda: self._app.main.session.remedies is not None, 10.0)
        before = -1
        while before < self.count:
            before = self.count
            await pilot.pause(0.4)

    async def of(self, pilot: Pilot[int], update: PodUpdate) -> int:
        """Return how often it draws at once after an update."""
        before = self.count
        self._app.post(PodsUpdated(update))
        await until(pilot, lambda: self._app.main.session.pods is update)
        await pilot.pause()
        return self.count - before


async def test_news_is_drawn_at_once_but_not_twice_so_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path, interval=60.0)
    app.readers.stop()  # Their updates would replace these.
    async with running(app) as pilot:
        monkeypatch.setattr(live, "_LATE_SECONDS", 1.0)
        monkeypatch.setattr(live, "_URGENT_SECONDS", 60.0)
        draws = Draws(app, monkeypatch)
        await draws.started(pilot)
        assert await draws.of(pilot, FIRST) == 1
        before = draws.count
        assert await draws.of(pilot, FEWER) == 0, "so soon after the last"
        await until(pilot, lambda: draws.count == before + 1, 5.0)
        monkeypatch.setattr(live, "_URGENT_SECONDS", 0.0)
        assert await draws.of(pilot, FIRST) == 1


async def test_what_can_wait_is_drawn_once_with_the_next_sample_or_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path, interval=60.0)
    app.readers.stop()
    async with running(app) as pilot:
        draws = Draws(app, monkeypatch)
        await draws.started(pilot)
        await draws.of(pilot, FIRST)
        before, whole = draws.count, draws.whole
        monkeypatch.setattr(live, "_LATE_SECONDS", 1.0)
        assert await draws.of(pilot, COUNTED) == 0
        app.sampler.tick_now()
        await until(pilot, lambda: draws.count == before + 1, 5.0)
        assert draws.whole == whole + 1, "the pods are drawn with it"
        await pilot.pause(1.2)
        assert draws.count == before + 1, "the sample drew it"
        assert await draws.of(pilot, LATER) == 0
        await until(pilot, lambda: draws.count == before + 2, 5.0)
