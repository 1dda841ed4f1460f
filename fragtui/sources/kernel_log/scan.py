"""A log of any size as a stream: large blocks are searched for needles, only their neighbourhood is parsed."""

from __future__ import annotations

import os
import stat
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import IO

from fragtui.kernel.reports.needles import BEFORE, SCAN_NEEDLES
from fragtui.sources.files.line_bounds import CutLines, skip_hole, without_holes
from fragtui.sources.kernel_log.incident_stream import IncidentStream
from fragtui.sources.kernel_log.needle_search import best_search
from fragtui.text import line_limit

SCAN_BLOCK = 1 << 18
_AHEAD = 4
"""Blocks searched ahead: with their hits they are what reading a log takes of memory."""
WORTH_FORKING = 32 << 20
_TAIL = 16 << 10
_EXPORT = (b"MESSAGE=", b"MESSAGE\n", b"    MESSAGE=")
MAX_BEFORE = 64
"""Lines before a hit that may belong to it at most: a journal export entry has some 30, the stamp first."""
Near = tuple[int, bytes, bool, bool]
"""Line number from 1, line without its newline, whether it had none (torn), whether lines before it were left out."""


def scan_log(
    log: IO[bytes],
    stream: IncidentStream,
    stopped: Callable[[], bool] = lambda: False,
    cut: CutLines | None = None,
) -> None:
    """Feed an incident stream with a log; lines are counted from 1, those that are too long by `cut`."""
    for number, line, torn, gap in near_lines(log, SCAN_NEEDLES, lambda: stream.busy, cut=cut):
        if gap:
            stream.skip()
        stream.feed_numbered(line, number, torn)
        if stopped():
            return
    stream.finish()


def near_lines(
    log: IO[bytes],
    needles: Sequence[bytes],
    busy: Callable[[], bool],
    before: int = BEFORE,
    cut: CutLines | None = None,
) -> Generator[Near]:
    """Yield the lines near a needle, and after them while the reader is busy; `cut` counts those that are too long."""
    cut = cut or CutLines()
    number, gap, carry = 0, False, b""
    for fresh, found in _searched(log, needles):
        # What was passed over last may stand right before a hit of this block.
        block, hits = (carry + fresh, [len(carry) + hit for hit in found]) if carry else (fresh, found)
        carry = b""
        end = len(block)
        at = 0  # Everything before `at` is yielded or passed over; `number` lines lie before it.
        while at < end:
            if busy():
                through = at
            else:
                index = bisect_left(hits, at)
                if index == len(hits):
                    keep = _tail(block, at)
                    number += block.count(b"\n", at, keep)
                    carry, gap = block[keep:], gap or keep > at
                    break
                through = hits[index]
                start = step_back(block, through, at, before)
                if start > at:
                    number += block.count(b"\n", at, start)
                    at, gap = start, True
            while at <= through:
                line_end = block.find(b"\n", at, end)
                torn = line_end < 0
                line_end = end if torn else line_end
                number += 1
                yield number, cut.cut(block[at:line_end]), torn, gap
                at, gap = line_end + 1, False


def large_file(log: IO[bytes]) -> tuple[int, int] | None:
    """Return descriptor and size of a plain file that is worth a search by child processes, read from its start."""
    try:
        descriptor = log.fileno()
        status = os.fstat(descriptor)
        plain = stat.S_ISREG(status.st_mode) and os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    except (OSError, AttributeError, ValueError):
        return None
    # A child of a process with threads would inherit their locks.
    alone = threading.active_count() == 1 and hasattr(os, "fork") and hasattr(os, "preadv")
    return (descriptor, status.st_size) if plain and alone and status.st_size >= WORTH_FORKING else None


def _searched(log: IO[bytes], needles: Sequence[bytes]) -> Iterator[tuple[bytes, list[int]]]:
    """Yield blocks of whole lines with the places of the needles; the search of the next ones runs meanwhile."""
    # Only here: it brings much with it.
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    search = best_search()
    waiting: deque[tuple[bytes, Callable[[], list[int]]]] = deque()
    first = True
    with ThreadPoolExecutor(2, "needles") as pool:

        def begin(block: bytes) -> Callable[[], list[int]]:
            try:
                return pool.submit(search, block, len(block), needles).result
            except RuntimeError:  # No thread can be started: the search runs here, in its turn.
                return partial(search, block, len(block), needles)

        for block in _blocks(log):
            if first and len(block) < SCAN_BLOCK:  # A small log is not worth a thread.
                yield block, search(block, len(block), needles)
                continue
            first = False
            waiting.append((block, begin(block)))
            while len(waiting) > _AHEAD:
                done, hits = waiting.popleft()
                yield done, hits()
        while waiting:
            done, hits = waiting.popleft()
            yield done, hits()


def _blocks(log: IO[bytes]) -> Iterator[bytes]:
    """Yield the log in blocks that end with a newline, but for the last.

    Of a line that ends in a later block no more is kept than says that it is too long.
    """
    rest = b""
    while data := log.read(SCAN_BLOCK):
        if not (data := without_holes(data)):
            skip_hole(log)
            continue
        end = data.rfind(b"\n") + 1
        if end:
            yield rest + data[:end]
            rest = data[end:]
        elif len(rest) <= line_limit(rest):
            rest += data
        rest = rest[: line_limit(rest) + 1]
    if rest:
        yield rest


def _tail(block: bytes, floor: int) -> int:
    """Return where the last lines of a block begin, as many as may belong to a hit in the next one."""
    edge = max(floor, len(block) - _TAIL)
    start = step_back(block, len(block), edge, MAX_BEFORE)
    return start if start > edge or edge == floor else block.find(b"\n", edge) + 1 or len(block)


def step_back(block: bytes, hit: int, floor: int, lines: int) -> int:
    """Return where the line `lines` before the hit's own begins, not before `floor`."""
    start = block.rfind(b"\n", floor, hit) + 1 or floor
    if block.startswith(_EXPORT, start):
        lines = MAX_BEFORE
    for _ in range(lines):
        if start <= floor:
            return floor
        start = block.rfind(b"\n", floor, start - 1) + 1 or floor
    return start
