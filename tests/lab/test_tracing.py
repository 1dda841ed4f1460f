"""The trace of this machine's kernel: denied requests, who fragments, who waits, its end, its cost."""

from __future__ import annotations

import mmap
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fragtui.model.tracing.trace_batch import TraceBatch
from fragtui.model.tracing.trace_tally import TraceTally, harm
from fragtui.sources.tracing.instance import TraceInstance, TracingError, own_path, remove_stale, tracefs
from fragtui.sources.tracing.reader import TraceReader
from tests.support.cgroup import limited
from tests.support.lab import fragmented_cache, lab, long
from tests.support.places import REPOSITORY

HELPERS = REPOSITORY / "tests/lab"
HELD = 32 << 20
"""Bytes of the memory cgroup whose limit denies requests."""


def no_tracefs() -> str | None:
    try:
        tracefs(Path("/"))
    except TracingError as error:
        return str(error)
    return None


pytestmark = [*lab, pytest.mark.skipif(no_tracefs() is not None, reason=no_tracefs() or "tracefs")]


full_group = pytest.mark.skipif(
    not Path("/sys/fs/cgroup/memory/memory.oom_control").exists(), reason="needs a memory cgroup of version 1"
)


def instances() -> set[str]:
    return {path.name for path in (tracefs(Path("/")) / "instances").iterdir() if path.name.startswith("fragtui-")}


@contextmanager
def traced() -> Iterator[TraceTally]:
    """Trace for the time of the block; the last batch comes before it ends."""
    tally, begun = TraceTally(time.time()), threading.Event()

    def take(batch: TraceBatch) -> None:
        tally.take(batch)
        begun.set()

    reader = TraceReader(Path("/"), take, pytest.fail)
    reader.start()
    assert begun.wait(10)
    assert tally.ended is None, tally.ended
    try:
        yield tally
    finally:
        reader.close()
    assert tally.ended == "" and own_path(tracefs(Path("/"))).name not in instances()


def vmstat(*starts: str) -> int:
    lines = (line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return sum(int(value) for name, value in lines if name.startswith(starts))


@full_group
def test_all_200_refused_requests_stand_there_with_task_order_and_cgroup() -> None:
    """They are NOWARN: the log prints none of them."""
    with limited("memory", HELD) as group, traced() as tally:
        command = group.command([sys.executable, str(HELPERS / "denied_pipes.py"), "200", "refused-one"])
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        denied = int(done.stdout)
    assert denied >= 200 and tally.exact
    found = [each for each in tally.groups if each.task.comm == "refused-one"]
    assert sum(each.times for each in found) == denied, found
    assert {each.order for each in found} == {2}
    assert all("NOWARN" in each.flags and each.migratetype == "Unmovable" for each in found)
    assert any(group.folder.name in (each.task.cgroup or "") for each in found)


@long
def test_a_process_that_scatters_unmovable_pages_is_named_first() -> None:
    """It takes movable blocks only when those of unmovable pages are full: more of it, until then."""
    with limited("memory", 8 << 30) as group, traced() as tally:
        for megabytes in (400, 1600, 5000):
            command = group.command([sys.executable, str(HELPERS / "scatter_pipes.py"), str(megabytes), "scatterer"])
            subprocess.run(command, check=True, timeout=120)
            time.sleep(1.6)
            if any(row.task.comm == "scatterer" for row in tally.fragmenters()):
                break
    first = tally.fragmenters()[0]
    assert first.task.comm == "scatterer" and harm(first) == 2, tally.fragmenters()
    assert group.folder.name in (first.task.cgroup or "")


@long
@full_group
def test_of_a_flood_every_event_is_counted_or_counted_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fragtui.sources.tracing.instance.buffer_kb", lambda cpus: 8)
    with limited("memory", HELD) as group, traced() as tally:
        command = group.command([sys.executable, str(HELPERS / "denied_pipes.py"), "10000", "flood"])
        denied = int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)
    print(f"{denied} denied: {tally.denied} counted, {tally.lost} lost")
    assert tally.lost and not tally.exact, "the flood was larger than the buffers"
    assert denied <= tally.denied + tally.lost < denied * 1.01


def test_a_request_that_is_served_is_no_event() -> None:
    with traced() as tally:
        subprocess.run([sys.executable, "-c", "bytearray(100 << 20)"], check=True)
    assert tally.denied == 0


@long
@pytest.mark.slow
def test_sigkill_at_a_random_moment_leaves_no_instance_after_the_next_start() -> None:
    code = (
        "import time; from pathlib import Path; from fragtui.sources.tracing.reader import TraceReader\n"
        "r = TraceReader(Path('/'), lambda batch: None, print); r.start(); print(flush=True); time.sleep(60)"
    )
    before, left = instances(), 0
    for _ in range(100):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=REPOSITORY) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.random() * 0.08)
            process.kill()
        stale = instances() - before
        left += len(stale)
        for name in stale:
            folder = tracefs(Path("/")) / "instances" / name
            traces = (folder / "tracing_on").read_text().strip() == "1" and (folder / "set_event").read_text().strip()
            assert not traces, "the kernel stopped it: nobody reads it"
        remove_stale(tracefs(Path("/")))
        assert instances() <= before
    assert left > 20, "most were killed while they traced"


def test_a_refused_filter_is_off_and_said_and_nothing_is_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fragtui.sources.tracing.instance.denied_filter", lambda event: "pfn == -1")
    instance = TraceInstance(tracefs(Path("/")))
    try:
        assert any("refused the filter pfn == -1" in part for part in instance.parts)
        assert (instance.path / "events/kmem/mm_page_alloc/enable").read_text().strip() == "0"
        assert (instance.path / "events/kmem/mm_page_alloc_extfrag/enable").read_text().strip() == "1"
    finally:
        instance.close()
    assert not instance.path.exists()


def test_the_global_instance_stays_as_it_is() -> None:
    names = ("tracing_on", "set_event", "buffer_size_kb", "trace_clock", "current_tracer", "events/enable")

    def settings() -> list[str]:
        return [(tracefs(Path("/")) / name).read_text() for name in names]

    before = settings()
    with traced():
        assert settings() == before
    assert settings() == before


def seconds_of(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


@long
@full_group
def test_a_thousand_events_a_second_cost_under_0_6_percent_of_a_core() -> None:
    """Denied requests of another process, paced; CPU of this process beside the same time without events."""
    with limited("memory", HELD) as group:
        shares = []
        for rate in (0, 1000):
            with traced() as tally:
                command = [sys.executable, str(HELPERS / "denied_pipes.py"), str(rate * 10), "paced", str(rate)]
                process = subprocess.Popen(group.command(command), stdout=subprocess.PIPE) if rate else None
                time.sleep(2.0)
                before, start = tally.denied, time.monotonic()
                used = seconds_of(lambda: time.sleep(6.0))
                events, elapsed = tally.denied - before, time.monotonic() - start
                if process is not None:
                    process.kill()
                    process.communicate()
            shares.append(used / elapsed)
        assert events / elapsed > 500, "the events came"
        cost = (shares[1] - shares[0]) * 1000 / (events / elapsed)
        print(f"{events / elapsed:.0f} events/s, {shares[0]:.3%} idle, {shares[1]:.3%} with, {cost:.3%} at 1,000/s")
        assert cost < 0.006


def load() -> float:
    """Return the CPU seconds of 150 forks and of a page-cache load of 64 MiB, children included."""
    before = os.times()
    for _ in range(150):
        if (pid := os.fork()) == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    descriptor = os.memfd_create("load")
    for _ in range(64):
        os.write(descriptor, bytes(1 << 20))
    os.close(descriptor)
    after = os.times()
    return sum(after[:4]) - sum(before[:4])


@long
@pytest.mark.slow
def test_forks_and_a_page_cache_load_are_not_slower_with_a_trace() -> None:
    """Rounds by turns, ten or more; the fastest of each are compared, which other load disturbs least."""
    without, with_trace, ratio = [], [], 9.0
    for number in range(40):
        without.append(load())
        instance = TraceInstance(tracefs(Path("/")))
        try:
            with_trace.append(load())
        finally:
            instance.close()
        ratio = min(with_trace) / min(without)
        if number >= 9 and ratio < 1.1:
            break
    print(f"fastest {min(without):.3f} s without, {min(with_trace):.3f} s with a trace: ratio {ratio:.3f}")
    assert ratio < 1.1


def busy() -> float:
    """Return the CPU seconds of all tasks since boot."""
    times = [int(word) for word in Path("/proc/stat").read_text().split(maxsplit=9)[1:9]]
    return (sum(times) - times[3] - times[4]) / os.sysconf("SC_CLK_TCK")


def pressure() -> float:
    """Return for how long some task stalled on memory since boot, seconds by PSI."""
    return int(Path("/proc/pressure/memory").read_text().partition("total=")[2].split()[0]) / 1e6


@long
@pytest.mark.slow
def test_what_one_task_waits_agrees_with_the_counters_and_with_pressure_stall_information() -> None:
    """Huge pages are compacted for one task. PSI weighs by the CPUs that are not idle.

    If other tasks keep the other CPUs busy, PSI sees that much less of it (kernel/sched/psi.c collect_percpu_times).
    """
    with fragmented_cache():
        area = mmap.mmap(-1, 3 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        area.madvise(mmap.MADV_HUGEPAGE)
        with traced() as tally:
            time.sleep(1.5)
            begun, counted, stalled = time.time(), vmstat("compact_stall", "allocstall"), pressure()
            elapsed, others = time.monotonic(), busy() - sum(os.times()[:2])
            for offset in range(0, len(area), 2 << 20):
                area[offset] = 1
                time.sleep(0.004)  # At full speed the small buffers lose events, and the sums are lower bounds.
            time.sleep(2.5)  # PSI is brought up to date every 2 s.
            elapsed, others = time.monotonic() - elapsed, busy() - sum(os.times()[:2]) - others
            stalled, counted = pressure() - stalled, vmstat("compact_stall", "allocstall") - counted
        waited = tally.stalled(begun, time.time())
    assert tally.exact
    print(f"{waited.times} waits, {counted} counted; {waited.seconds:.2f} s, by PSI {stalled:.2f} s")
    print(f"other tasks kept {others / elapsed:.2f} CPUs busy")
    assert waited.most is not None and waited.most.order == 9 and waited.seconds > 0.1
    assert 0.9 * counted <= waited.times <= 1.1 * counted
    assert 0.75 * stalled <= waited.seconds <= 1.25 * stalled * (1 + max(0.0, others / elapsed))
