"""A large file that child processes read in parts tells what reading it in one piece tells."""

from __future__ import annotations

import errno
import io
import os
import pickle
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fragtui.kernel.reports.needles import SCAN_NEEDLES
from fragtui.model.failures.incident import Incident
from fragtui.model.log_reader import LogPast, LogReading, LogTerms, PodLine
from fragtui.sources.kernel_log import scan as log_scan
from fragtui.sources.kernel_log.scan import near_lines
from fragtui.sources.large_logs.explain import POD_NEEDLES, explain_log
from fragtui.sources.large_logs.parallel import LargeLog, join_segments, read_forked, read_segment
from fragtui.sources.large_logs.worker_pool import WorkerPool
from tests.support.log_pieces import LOGS, SINGLE, STAMP
from tests.support.places import GENUINE

TERMS = LogTerms("a", 1.79e9, 7200.0)
NEEDLES = (*SCAN_NEEDLES, *POD_NEEDLES, b"Namespace:  ")
REPORT = GENUINE.read_bytes()
NOISE = b"Jul  1 00:45:31 node sshd[881]: Accepted publickey for root from 10.0.0.1 port 4242\n"
TellIt = list[tuple[float | None, PodLine]]


class SameProcess(WorkerPool):
    """Does what the children do, one segment after the other."""

    def __init__(self, log: LargeLog) -> None:
        self._log = log
        self._waiting: deque[int] = deque()

    def assign(self, task: int) -> None:
        self._waiting.append(task)

    def answer(self) -> tuple[int, bytes]:
        task = self._waiting.popleft()
        return task, pickle.dumps(read_segment(self._log, task))

    def end(self) -> None:
        pass


def in_one_piece(data: bytes) -> TellIt:
    reading = LogReading(TERMS, LogPast())
    told: TellIt = []
    for number, line, torn, gap in near_lines(io.BytesIO(data), NEEDLES, lambda: reading.wanted):
        if gap:
            reading.skip()
        told += [(each.time, each.told) for each in reading.feed(line, number, torn)]
    return told + [(each.time, each.told) for each in reading.finish()]


def in_parts(data: bytes, segment: int, reach: int, block: int) -> TellIt:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        log = LargeLog(file.fileno(), len(data), NEEDLES, TERMS, segment, reach, block)
        return list(join_segments(log, SameProcess(log)))


@given(
    LOGS,
    st.sampled_from([60, 700, 3000, 9000]),
    st.sampled_from([100, 30_000, 30_000]),
    st.sampled_from([16, 100, 5000, 1 << 17]),
)
@settings(max_examples=100, deadline=None)
def test_no_border_changes_what_is_told(data: bytes, segment: int, reach: int, block: int) -> None:
    assert in_parts(data, max(segment, len(data) // 30), reach, block) == in_one_piece(data)


KERNEL = STAMP + b"kernel: "
QUIET = SINGLE[0] * 120
HEAD = KERNEL + b"x: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)\n"
FRAME = KERNEL + b" __alloc_skb+0x12/0x34\n"
TASK = KERNEL + b"CPU: 1 PID: 5 Comm: x Not tainted 5.4.0\n"
TRACE = KERNEL + b"Call Trace:\n"
MEMORY = b"".join(
    KERNEL + text + b"\n"
    for text in (
        b"Mem-Info:",
        b"Node 0 Normal free:100kB min:8kB low:1kB high:2kB managed:5kB",
        b"Node 0 Normal: 6*4kB (UME) 1*8kB (U) = 32kB",
        b"5 pages RAM",
    )
)
SUPPRESSED = KERNEL + b"warn_alloc: 59 callbacks suppressed\n"
KILLED = KERNEL + b"Out of memory: Killed process 12 (x) total-vm:1kB, anon-rss:1kB\n"
REAPED = KERNEL + b"oom_reaper: reaped process 12 (x), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n"
EVENT = b"  Warning  FailedCreatePodSandBox  3s  kubelet  Failed to create pod sandbox: cannot allocate memory\n"
ARM = KERNEL + b"[<c0012345>] (one+0x1/0x2) from [<c0012346>] (two+0x1/0x2)\n"
FAR_TIES = {
    "a dump of another task that may still run": TRACE + SINGLE[1] + QUIET + HEAD + TASK + TRACE + FRAME * 3,
    "dumps that have a task line": HEAD + TASK + TRACE + FRAME + QUIET + HEAD + TRACE + FRAME,
    "a dump without a stack": HEAD + TASK + QUIET + HEAD + ARM + HEAD + MEMORY,
    "reports that were hidden": SUPPRESSED + QUIET + HEAD,
    "reports that were hidden twice": SUPPRESSED + QUIET + SINGLE[2] * 9 + SUPPRESSED + HEAD,
    "a task that was killed": KILLED + QUIET + SINGLE[2] * 9 + REAPED + SINGLE[1],
    "the pod that was described": b"Name:  api-3\nNamespace:  shop\n" + QUIET + EVENT,
    "half an object": b'"fac": "user",\n' + SINGLE[1] + QUIET + b'"msg": "' + HEAD[len(KERNEL) : -1] + b'"\n',
}
NEAR_TIES = {
    "a line that goes on in the next": QUIET + KERNEL + b"no alloc\n " + HEAD[len(KERNEL) :] + QUIET,
    "a report in the way of every border": HEAD + TASK + TRACE + FRAME * 9 + MEMORY + QUIET,
}


@pytest.mark.parametrize("tie", [*FAR_TIES, *NEAR_TIES])
def test_what_is_tied_is_told_as_in_one_piece(tie: str) -> None:
    data = (FAR_TIES | NEAR_TIES)[tie]
    whole = in_one_piece(data)
    step = len(SINGLE[0]) * 3 + 1
    for segment in (*range(len(data) // 30, len(data), step), len(data)):
        assert in_parts(data, segment, 20_000, 1000) == whole


@pytest.mark.parametrize("tie", FAR_TIES)
def test_what_is_tied_over_lines_left_out_is_not_told_apart(tie: str) -> None:
    """Else the test before would say nothing."""
    data = FAR_TIES[tie]
    middle = data.index(QUIET) + len(QUIET) - 10 * len(SINGLE[0])
    apart = [untied(in_one_piece(part)) for part in (data[:middle], data[middle:])]
    assert [*apart[0], *apart[1]] != untied(in_one_piece(data))


def untied(told: TellIt) -> list[object]:
    return [
        replace(each, lines=None, id="") if isinstance(each, Incident) else replace(each, line=None, last_line=None)
        for _, each in told
    ]


def large(count: int = 60) -> bytes:
    stamp = b"Jul  1 00:45:31 node kernel: "
    text = b"".join(stamp + line + b"\n" for line in REPORT.splitlines())
    return b"".join(NOISE * (7 * place % 900) + text for place in range(count))


@pytest.fixture
def as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_scan, "WORTH_FORKING", 1 << 20)
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def children() -> set[int]:
    """The children of this thread, dead ones that were not waited for too."""
    return set(map(int, Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()))


@pytest.mark.usefixtures("as_large")
def test_a_large_file_gives_the_incidents_of_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    data = large(200)
    path.write_bytes(data)
    others = children()
    with path.open("rb", buffering=0) as log:
        assert log_scan.large_file(log) is not None
        told = list(explain_log(log, now=1.79e9))
    assert len(told) == 200
    assert told == list(explain_log(io.BytesIO(data), now=1.79e9))
    assert children() <= others


@contextmanager
def begun(data: bytes, segment: int = 20_000) -> Iterator[tuple[Iterator[tuple[float | None, PodLine]], int]]:
    """Children that read a file, what they tell, and its descriptor."""
    others = children()
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        told = read_forked(LargeLog(file.fileno(), len(data), NEEDLES, TERMS, segment))
        assert told is not None
        with closing(told):
            yield told, file.fileno()
    assert children() <= others


def test_leaving_early_leaves_no_child() -> None:
    others = children()
    with begun(large()) as (told, _):
        next(told)
        assert len(children() - others) == 2


@pytest.mark.parametrize("victims", [slice(1), slice(2)])
def test_the_log_is_read_to_its_end_without_the_children_that_died(victims: slice) -> None:
    others = children()
    with begun(large()) as (told, _):
        first = next(told)
        for child in sorted(children() - others)[victims]:
            os.kill(child, signal.SIGKILL)
        assert [first, *told] == in_one_piece(large())


def test_a_file_that_is_cut_while_it_is_read_ends_there() -> None:
    with begun(large()) as (told, descriptor):
        first = next(told)
        os.ftruncate(descriptor, len(large()) // 2)
        found = [first, *told]
    assert 1 < len(found) < 60
    assert found[: len(found) // 3] == in_one_piece(large())[: len(found) // 3]


def test_what_was_told_before_an_error_of_the_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The children end at it, and so does who reads on for them."""
    read = os.preadv

    def broken(descriptor: int, buffers: Sequence[memoryview], at: int) -> int:
        if at > len(large()) // 2:
            raise OSError(errno.EIO, "bad sector")
        return read(descriptor, buffers, at)

    monkeypatch.setattr(os, "preadv", broken)
    found = []
    with begun(large()) as (told, _), pytest.raises(OSError, match="bad sector"):
        for each in told:
            found.append(each)  # noqa: PERF402 - what came before the error counts.
    assert len(found) > 20
    assert found[:-1] == in_one_piece(large())[: len(found) - 1]


def test_without_a_child_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise OSError(errno.ENOMEM, "no memory")

    monkeypatch.setattr(os, "fork", refused)
    with tempfile.TemporaryFile(buffering=0) as file:
        assert read_forked(LargeLog(file.fileno(), 0, NEEDLES, TERMS)) is None
