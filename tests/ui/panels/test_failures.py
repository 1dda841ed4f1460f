import json
from pathlib import Path

import pytest

from fragtui.model.failures.kernel_log_update import KernelLogUpdate
from fragtui.ui.panels.failures import FailuresPanel
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import cells_of
from tests.support.host_tree import FRAGMENTED, HostTree
from tests.support.node_states import denial
from tests.support.places import SAMPLES
from tests.support.screen import SIZES, lines_of, make_app, running, text_of, until, words_of

sizes = pytest.mark.parametrize("size", SIZES, ids=[f"{w}x{h}" for w, h in SIZES])


def refusal(at: str, comm: str, order: int, cause: str = "sock_kmalloc") -> str:
    return (
        f"Nov 24 {at} node-7 kernel: [ 100.000000] {comm}: page allocation failure: order:{order}, "
        "mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null),cpuset=/,mems_allowed=0\n"
        f"Nov 24 {at} node-7 kernel: [ 100.000001] CPU: 1 UID: 0 PID: 77 Comm: {comm} Not tainted 6.8.0 #1\n"
        f"Nov 24 {at} node-7 kernel: [ 100.000002] Call Trace:\n"
        f"Nov 24 {at} node-7 kernel: [ 100.000003]  {cause}+0x45/0x90\n"
        f"Nov 24 {at} node-7 kernel: [ 100.000004] Mem-Info:\n"
        f"Nov 24 {at} node-7 kernel: [ 100.000005] Node 0 Normal free:1640KB min:40kB low:50kB high:60kB\n"
        f"Nov 24 {at} node-7 kernel: [ 100.000006] Node 0 Normal: 400*4kB (UM) 5*8kB (U) 0*16kB 0*32kB = 1640kB\n"
        f"Nov 24 {at} node-7 kernel: [ 100.000007] 1000 pages RAM\n"
    )


@pytest.mark.slow
@sizes
async def test_similar_failures_share_a_row_and_set_the_target_order(tmp_path: Path, size: tuple[int, int]) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    log = tmp_path / "kern.log"
    log.write_text(refusal("10:00:00", "runc:[1:CHILD]", 6) + refusal("10:00:20", "runc:[1:CHILD]", 6))
    app = make_app(tmp_path, kernel_log=str(log))
    async with running(app, size) as pilot:
        await until(pilot, lambda: app.main.session.order == 6)
        assert len(app.main.session.failures.rows) == 1
        if size == SIZES[0]:
            # The smallest screen has room for their count only.
            await until(pilot, lambda: "Denied requests 2 logged" in text_of(app))
            await pilot.press("tab", "z")
        await until(pilot, lambda: "2×" in text_of(app))
        (row,) = (row for row in lines_of(app) if "2×" in row)
        assert "runc:[1:CHILD]" in row and "256K" in row
        log.open("a").write(refusal("10:00:40", "ethtool", 9))
        await until(pilot, lambda: app.main.session.order == 9)
        assert len(app.main.session.failures.rows) == 2


@pytest.mark.slow
async def test_enter_opens_the_report_as_text(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    log = tmp_path / "kern.log"
    log.write_text(refusal("10:00:00", "runc:[1:CHILD]", 4, "nf_conntrack_init_net"))
    app = make_app(tmp_path, kernel_log=str(log))
    async with running(app, (120, 50)) as pilot:
        await until(pilot, lambda: bool(app.main.session.failures.rows))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "Report: runc:[1:CHILD]" in text_of(app))
        await pilot.pause()
        words = words_of(app, "#page")
        for part in (
            "was denied a 64K block (order 4)",
            "GFP_KERNEL",
            "was allowed to wait, reclaim",
            "▸ nf_conntrack_init_net",
        ):
            assert part in words
        assert "Zones at that moment" in words


@pytest.mark.slow
async def test_a_filter_lists_only_what_holds_the_text(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    log = tmp_path / "kern.log"
    log.write_text(refusal("10:00:00", "ethtool", 5) + refusal("10:00:20", "dockerd", 6))
    app = make_app(tmp_path, kernel_log=str(log))
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.main.session.failures.rows) == 2)
        await pilot.press("slash", *"Docker")
        await until(pilot, lambda: len(app.main.session.failures.rows) == 1)
        assert app.main.session.failures.rows[0].last.comm == "dockerd", "it filters while it is typed"
        await pilot.press("enter")
        await until(pilot, lambda: "1 of 2 match 'Docker' · Esc clears" in text_of(app))
        await pilot.press("escape")
        assert len(app.main.session.failures.rows) == 2


@pytest.mark.slow
async def test_many_tasks_of_one_size_and_cause_are_a_row_that_unfolds(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    log = tmp_path / "kern.log"
    tasks = [f"task-{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    names = ["containerd-shim", *tasks, "containerd-shim"]
    log.write_text("".join(refusal(f"10:00:{at:02}", name, 6) for at, name in enumerate(names)))
    app = make_app(tmp_path, kernel_log=str(log))
    async with running(app, (120, 50)) as pilot:
        await until(pilot, lambda: "containerd-shim +26" in text_of(app))
        (row,) = (row for row in lines_of(app) if "containerd-shim +26" in row)
        assert "256K (order 6)" in row and "28×" in row
        (heading,) = (row for row in lines_of(app) if " times " in row)
        places = [(heading.index(name), row.index(text)) for name, text in (("who", "containerd"), ("size", "256K"))]
        assert all(above == below for above, below in places), "names stand above their columns"
        await pilot.press("tab", "z", "right")
        await until(pilot, lambda: "task-z" in text_of(app))
        assert "task-y" in text_of(app)


@pytest.mark.slow
async def test_listed_failures_are_saved_as_json_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    HostTree.small(tmp_path)
    log = tmp_path / "kern.log"
    log.write_text(refusal("10:00:00", "ethtool", 5))
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.chdir(out)
    app = make_app(tmp_path, kernel_log=str(log))
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.main.session.failures.rows) == 1)
        await pilot.press("w", "f")
        await until(pilot, lambda: bool(list(out.glob("*.jsonl"))))
        (line,) = next(out.glob("*.jsonl")).read_text().splitlines()
        assert json.loads(line)["comm"] == "ethtool"


async def test_without_a_readable_log_it_shows_the_reason(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path, kernel_log=str(tmp_path / "no-such-log"))
    async with running(app) as pilot:
        await until(pilot, lambda: "no-such-log" in text_of(app))


@pytest.mark.slow
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not beside this checkout")
async def test_the_seed_incident_links_pod_and_kernel_on_both_sides(tmp_path: Path) -> None:
    HostTree.small(tmp_path, FRAGMENTED)
    log = str(SAMPLES / "mixed-syslog-1.txt")
    app = make_app(tmp_path, kernel_log=log, kubelet_log=log)
    async with running(app, (200, 50)) as pilot:
        await until(pilot, lambda: "⇒ job-app/turing" in text_of(app))
        assert app.main.session.listed_pods[0].links[0].confidence == "proven"
        await pilot.press("tab", "tab", "enter")
        await until(pilot, lambda: "(proven):" in text_of(app))
        await pilot.press("escape")
        assert "Stuck   1 pod, because of it: job-app/turing" in text_of(app)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("problem", [None, "no permission for /dev/kmsg"])
def test_the_lower_border_keeps_the_end_of_a_long_path_and_the_keys(width: int, problem: str | None) -> None:
    session = Session()
    incident = denial("runc", 6)
    path = "/var/lib/node-logs/" + "very-long-folder/" * 6 + "kern.log"
    session.add_kernel_log(KernelLogUpdate((incident,), (), 0, (), path, problem, proof="9 records"))
    panel = FailuresPanel(session)
    panel.framed = True
    panel.items()
    *_, last = panel.build(width, 6)
    text = "".join(text for text, _ in last.spans)
    assert cells_of(text) == width
    assert "kernel log: read …/" in text and "/kern.log ─" in text
    assert text.endswith(" / filter  → unfold  Enter open ─╯") or width == 60


def test_a_path_that_fits_is_whole_and_what_is_wrong_with_the_source_stands_behind_it() -> None:
    session = Session()
    session.add_kernel_log(KernelLogUpdate((), (), 0, (), "/var/log/kern.log", "no permission", proof="9 records"))
    panel = FailuresPanel(session)
    panel.framed = True
    *_, last = panel.build(80, 6)
    assert "╰─ kernel log: read /var/log/kern.log (no permission) ─" in "".join(text for text, _ in last.spans)
