"""Out of memory: who uses it, in place of the pods if none is stuck; nothing is read in any other state."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fragtui.cluster.pod_ref import PodRef
from fragtui.kernel.reports.report import ReportedTask
from fragtui.kernel.reports.report_kind import ReportKind
from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.model.node.verdict import State
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.pods.stuck_pods import StuckPods
from fragtui.ui.app import FragtuiApp
from fragtui.ui.messages import KernelLogUpdated, PodsUpdated
from tests.sources.host.test_processes import POD, put_process
from tests.support.crowd import pods
from tests.support.host_tree import HEALTHY, HostTree
from tests.support.incidents import kernel_incident
from tests.support.screen import SIZES, lines_of, make_app, running, text_of, until

SHORT = (900, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0)
TITLE = "Largest consumers"


def out_of_memory(root: Path) -> HostTree:
    """A node of 22 GB without memory, on which java has 9 GB and a pod 5 GB."""
    tree = HostTree.small(root, SHORT)
    put_process(root / "proc", 1, "systemd", 3000)
    put_process(root / "proc", 4121, "java", 2_300_000)
    put_process(root / "proc", 99, "[/red]evil[b]", 1_300_000, f"0::/kubepods.slice/pod{POD}/abc\n")
    return tree


@pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])
async def test_the_largest_processes_take_the_place_of_the_pods(tmp_path: Path, size: tuple[int, int]) -> None:
    out_of_memory(tmp_path)
    app = make_app(tmp_path, order=0, processes=True)
    app.readers.stop()
    async with running(app, size) as pilot:
        app.post(PodsUpdated(PodUpdate(StuckPods(), (), (PodRef("shop", "cart-0", POD),))))
        await until(pilot, lambda: "java" in text_of(app) and app.main.session.pods is not None)
        await pilot.pause()
        text = text_of(app)
        assert "OUT OF MEMORY" in text and TITLE in text and "Stuck pods" not in text
        assert " Stuck   " in text, "the card says what is known of pods"
        rows = lines_of(app)
        java = next(row for row in rows if "java" in row)
        assert "8.8G" in java
        if size[0] >= 80:
            assert "40 %" in java and "4121" in java and "–" in java
            evil = next(row for row in rows if "[/red]evil[b]" in row)
            assert "shop/cart-0" in evil and rows.index(evil) == rows.index(java) + 1
        if size[0] >= 120:
            assert "of 3 processes" in text
            assert ("▇▇▇" in java) is (size[0] < 160), "in half of a wide screen the pod's name needs the room"


async def test_stuck_pods_stay_beside_the_consumers(tmp_path: Path) -> None:
    out_of_memory(tmp_path)
    app = make_app(tmp_path, order=0, processes=True)
    app.readers.stop()
    async with running(app, (120, 40)) as pilot:
        app.post(PodsUpdated(pods()))
        await until(pilot, lambda: "java" in text_of(app))
        await until(pilot, lambda: app.main.session.pods is not None)
        await pilot.pause()
        assert "Stuck pods" in text_of(app) and TITLE in text_of(app)


async def test_no_other_state_reads_or_draws_them(tmp_path: Path) -> None:
    tree = out_of_memory(tmp_path)
    for zone in tree.zones:
        zone.free_blocks = HEALTHY
    tree.write()
    app = make_app(tmp_path, order=0, processes=True)
    async with running(app, (200, 60)) as pilot:
        for _ in range(3):
            await pilot.pause()
        state = app.main.session.state
        assert state is not None and state.state is State.OK
        panel = app.main.query_one("#consumers")
        assert app.main.session.consumers is None
        assert not any(thread.name == "processes" for thread in threading.enumerate())
        assert not panel.display and panel._view is None  # type: ignore[attr-defined]


def oom(app: FragtuiApp, memory: bool) -> None:
    tasks = (ReportedTask("postgres", 31, 1_000_000), ReportedTask("sh", 32, 10))
    incident = kernel_incident(ReportKind.OOM, tasks=tasks, task_count=41, time=1_700_000_000.0, id="o", memory=memory)
    app.main.post_message(KernelLogUpdated(KernelLogUpdate((incident,), (), 0, (), "kern.log", None)))


async def test_saved_files_show_the_last_oom_report_or_say_what_is_missing(tmp_path: Path) -> None:
    HostTree.small(tmp_path, SHORT)
    app = make_app(tmp_path, order=0)
    async with running(app, (120, 40)) as pilot:
        assert "? processes unknown: no OOM report of the whole node" in text_of(app)
        assert "kernel slab" in text_of(app), "meminfo has it"
        oom(app, memory=False)
        await pilot.pause()
        assert "processes unknown" in text_of(app), "a memory cgroup's report lists its own tasks only"
        oom(app, memory=True)
        await pilot.pause()
        text = text_of(app)
        assert "by the last OOM report" in text and "2 of 41 processes" in text
        assert "3.8G" in next(row for row in lines_of(app) if "postgres" in row)


async def test_processes_that_cannot_be_read_are_unknown_with_the_reason(tmp_path: Path) -> None:
    HostTree.small(tmp_path, SHORT)
    app = make_app(tmp_path, order=0, processes=True)
    async with running(app, (120, 40)) as pilot:
        await until(pilot, lambda: "? processes unknown: /proc: it lists no process" in text_of(app))
