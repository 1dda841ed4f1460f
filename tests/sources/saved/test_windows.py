"""Reading only the lines near a needle reports the same as reading every line from the start."""

from __future__ import annotations

import errno
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fragtui.cluster.observation import PodFact
from fragtui.model.failures.incident import Incident
from fragtui.model.log_reader import LogReading, LogTerms, PodLine
from fragtui.sources.files.line_bounds import CutLines, without_holes
from fragtui.sources.files.readable_log import ReadableLog
from fragtui.sources.kernel_log import scan
from fragtui.sources.saved.explain import read_log
from tests.support.log_pieces import LOGS, SINGLE, STAMP, wrapped
from tests.support.places import FIXTURES, GENUINE, SAMPLES

TERMS = LogTerms("a", 1.79e9, 7200.0)
FILES = sorted(FIXTURES.glob("*.log")) + (sorted(SAMPLES.glob("*.txt")) if SAMPLES.is_dir() else [])


def by_every_line(data: bytes) -> list[PodLine]:
    """Every line from the start, cut as a window cuts it."""
    reading, found = LogReading(TERMS), list[PodLine]()
    log = ReadableLog(io.BytesIO(data), max(1 << 16, len(data)))
    cut, lines = CutLines(), without_holes(b"".join(iter(log.read, b""))).split(b"\n")
    for number, line in enumerate(lines, 1):
        if number < len(lines) or line:
            found += reading.feed(cut.cut(line), log.number_of(number), number == len(lines))
    return [*found, *reading.finish()]


def by_windows(data: bytes) -> list[PodLine]:
    """The lines near a needle."""
    return [line for _, line in read_log(io.BytesIO(data), TERMS, CutLines())]


def failures(found: list[PodLine]) -> list[PodLine]:
    """Without the observations of pods that start: most of them are not near a needle."""
    return [line for line in found if isinstance(line, Incident) or line.fact is PodFact.FAILED]


@pytest.mark.slow
@given(LOGS, st.sampled_from([100, 5000, 1 << 17]))
@settings(max_examples=100, deadline=None)
def test_no_border_and_no_gap_changes_what_is_reported(data: bytes, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "SCAN_BLOCK", block)
        assert failures(by_windows(data)) == failures(by_every_line(data))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_genuine_log_among_other_lines_is_read_as_a_whole(path: Path) -> None:
    data = (SINGLE[0] * 130 + path.read_bytes().rstrip(b"\n") + b"\n") * 2
    assert failures(by_windows(data)) == failures(by_every_line(data))


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
    "dumps that have a task line": HEAD + TASK + TRACE + FRAME + QUIET + HEAD + TRACE + FRAME,
    "a dump without a stack": HEAD + TASK + QUIET + HEAD + ARM + HEAD + MEMORY,
    "reports that were hidden twice": SUPPRESSED + QUIET + SINGLE[2] * 9 + SUPPRESSED + HEAD,
    "a task that was killed": KILLED + QUIET + SINGLE[2] * 9 + REAPED + SINGLE[1],
    "the pod that was described": b"Name:  api-3\nNamespace:  shop\n" + QUIET + EVENT,
    "half an object": b'"fac": "user",\n' + SINGLE[1] + QUIET + b'"msg": "' + HEAD[len(KERNEL) : -1] + b'"\n',
}
OBJECT = b'{\n    "pri": 4,\n    "fac": "user",\n    "msg": "' + HEAD[len(KERNEL) : -1] + b'"\n}\n'
WRAPPED = b"\n".join(wrapped(1, 60).splitlines())
NEAR_TIES = {
    "a dump of another task that may still run": QUIET + TRACE + SINGLE[1] + HEAD + TASK + TRACE + FRAME * 3,
    "a dump too far above to run still": TRACE + SINGLE[1] + QUIET + HEAD + TASK + TRACE + FRAME * 3,
    "reports that were hidden": QUIET + SUPPRESSED + SINGLE[0] * 7 + HEAD,
    "reports that were hidden too far above": SUPPRESSED + QUIET + HEAD,
    "an object over many lines": QUIET
    + b'{\n    "pri": 4,\n    "fac": "user",\n    "msg": "'
    + HEAD[36:-1]
    + b'"\n}\n',
    "a wrapped message in which a report ends": HEAD + SINGLE[2] * 96 + WRAPPED + b"\n" + QUIET,
    "a line that goes on in the next": QUIET + KERNEL + b"no alloc\n " + HEAD[len(KERNEL) :] + QUIET,
    "a report in the way of every border": HEAD + TASK + TRACE + FRAME * 9 + MEMORY + QUIET,
}


@pytest.mark.parametrize("tie", [*FAR_TIES, *NEAR_TIES])
def test_what_belongs_together_is_read_as_a_whole(tie: str) -> None:
    data = (FAR_TIES | NEAR_TIES)[tie]
    assert failures(by_windows(data)) == failures(by_every_line(data))


@pytest.mark.parametrize("tie", FAR_TIES)
def test_what_belongs_together_over_lines_left_out_is_more_than_its_parts(tie: str) -> None:
    """Without this, the test before would prove nothing."""
    data = FAR_TIES[tie]
    middle = data.index(QUIET) + len(QUIET) - 10 * len(SINGLE[0])
    parts = [anywhere(by_windows(part)) for part in (data[:middle], data[middle:])]
    assert [*parts[0], *parts[1]] != anywhere(by_windows(data))


def anywhere(found: list[PodLine]) -> list[PodLine]:
    """Without the facts that depend on the place in the log."""
    return [
        replace(line, lines=None, id="") if isinstance(line, Incident) else replace(line, line=None, last_line=None)
        for line in found
    ]


@pytest.mark.slow
def test_an_error_of_the_file_comes_after_what_was_read_before() -> None:
    report = b"".join(KERNEL + line + b"\n" for line in GENUINE.read_bytes().splitlines()) + QUIET
    whole = by_windows(report * 60)
    found: list[PodLine] = []
    with pytest.raises(OSError, match="bad sector"):
        for _, line in read_log(Broken(report * 60), TERMS, CutLines()):
            found.append(line)
    assert 20 < len(found) < len(whole) == 60
    assert found[:-1] == whole[: len(found) - 1]


class Broken(io.BytesIO):
    """A file whose second half can't be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > len(self.getbuffer()) // 2:
            raise OSError(errno.EIO, "bad sector")
        return super().read(size)
