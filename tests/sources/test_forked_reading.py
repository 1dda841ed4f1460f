"""A large file searched in parts by other processes gives the lines that reading it in one piece gives."""

from __future__ import annotations

import io
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fragtui.sources import log_scan
from fragtui.sources.explained_log import explain_log
from fragtui.sources.forked_search import forked_hits, search_segment
from fragtui.sources.log_scan import Near, near_lines, near_lines_of_file

NEEDLES = (b"alloc", b"needle")
WORDS = [b"", b"x", b"alloc", b"a needle here", b"yy alloc alloc", b"open", b"MESSAGE=alloc", b"longer than most" * 3]
GENUINE = (Path(__file__).parents[1] / "kernel" / "samples" / "kmsg-6.18-lab-1.txt").read_bytes()
LOGS = st.tuples(st.lists(st.sampled_from(WORDS), max_size=60), st.booleans()).map(
    lambda made: b"\n".join(made[0]) + b"\n" * made[1]
)


def read(near: Callable[[Callable[[], bool]], Iterator[Near]]) -> list[Near]:
    """Read as a reader does that wants two more lines after one that says `open`."""
    found: list[Near] = []
    wanted = 0
    for each in near(lambda: wanted > 0):  # noqa: B023 - asked within the step, not after it.
        found.append(each)
        wanted = 2 if each[1] == b"open" else wanted - 1
    return found


def hits_of(descriptor: int, size: int, segment: int, block: int) -> Iterator[tuple[int, int]]:
    before, last = 0, -1
    for begin in range(0, size, segment):
        count, newlines, *pairs = search_segment(descriptor, begin, min(begin + segment, size), NEEDLES, block)
        assert len(pairs) == 2 * count
        for offset, line in zip(pairs[::2], pairs[1::2], strict=True):
            if before + line != last:
                yield offset, before + line
            last = before + line
        before += newlines


@given(LOGS, st.integers(1, 300), st.integers(1, 64), st.integers(0, 4))
@settings(max_examples=300, deadline=None)
def test_no_border_of_segments_or_blocks_loses_or_doubles_a_line(
    data: bytes, segment: int, block: int, before: int
) -> None:
    whole = read(lambda busy: near_lines(io.BytesIO(data), NEEDLES, busy, before))
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        descriptor = file.fileno()
        hits = hits_of(descriptor, len(data), segment, block)
        assert read(lambda busy: near_lines_of_file(descriptor, len(data), hits, busy, before)) == whole


@given(LOGS, st.integers(1, 64), st.integers(0, 4))
@settings(max_examples=300, deadline=None)
def test_a_stream_gives_the_same_lines_in_blocks_of_any_size(data: bytes, block: int, before: int) -> None:
    whole = read(lambda busy: near_lines(io.BytesIO(data), NEEDLES, busy, before))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_scan, "BLOCK", block)
        assert read(lambda busy: near_lines(io.BytesIO(data), NEEDLES, busy, before)) == whole


@given(LOGS, st.integers(20, 300))
@settings(max_examples=20, deadline=None)
def test_children_find_what_this_process_finds_and_are_gone_after(data: bytes, segment: int) -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        found = forked_hits(file.fileno(), len(data), NEEDLES, segment)
        assert found is not None
        assert list(found) == list(hits_of(file.fileno(), len(data), 1 << 20, 1 << 20))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_leaving_early_leaves_no_child() -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(b"alloc\n" * 400_000)
        near = forked_hits(file.fileno(), 2_400_000, NEEDLES, 1000)
        assert near is not None
        assert next(near) == (0, 0)
        del near
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_child_that_dies_is_an_error_and_not_a_shorter_log() -> None:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(b"alloc\n" * 400_000)
        hits = forked_hits(file.fileno(), 2_400_000, NEEDLES, 1000)
        assert hits is not None
        assert next(hits) == (0, 0)
        for child in Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        with pytest.raises(OSError, match="ended"):
            for _ in hits:
                pass


def test_a_large_file_gives_the_incidents_of_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = b"Jul  1 00:45:31 node sshd[881]: Accepted publickey for root from 10.0.0.1 port 4242\n"
    stamp = b"Jul  1 00:45:31 node kernel: "
    report = b"".join(stamp + line + b"\n" for line in GENUINE.splitlines())
    data = b"".join(noise * (7 * place % 900) + report for place in range(60))
    path = tmp_path / "messages"
    path.write_bytes(data)
    streamed = list(explain_log(io.BytesIO(data), now=1.79e9))
    assert len(streamed) == 60
    monkeypatch.setattr(log_scan, "_WORTH_FORKING", 1 << 20)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    with path.open("rb", buffering=0) as log:
        assert log_scan.large_file(log) is not None
        assert list(explain_log(log, now=1.79e9)) == streamed
