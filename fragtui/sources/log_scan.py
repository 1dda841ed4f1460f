"""A log of any size as a stream: large blocks are searched for needles, only their neighbourhood is parsed."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO

from fragtui.kernel.needles import BEFORE, SCAN_NEEDLES
from fragtui.sources.incident_stream import IncidentStream
from fragtui.sources.needle_search import best_search

BLOCK = 1 << 20
_AHEAD = 8
_EXPORT = (b"MESSAGE=", b"MESSAGE\n")
_EXPORT_BEFORE = 64
"""A journal export entry has some 30 lines, the stamp before the message."""


def scan_log(log: IO[bytes], stream: IncidentStream, stopped: Callable[[], bool] = lambda: False) -> None:
    """Feed an incident stream with a log; lines are counted from 1."""
    for number, line, torn, gap in near_lines(log, SCAN_NEEDLES, lambda: stream.busy):
        if gap:
            stream.skip()
        stream.feed_numbered(line, number, torn)
        if stopped():
            return
    stream.finish()


def near_lines(
    log: IO[bytes], needles: Sequence[bytes], busy: Callable[[], bool], before: int = BEFORE
) -> Iterator[tuple[int, bytes, bool, bool]]:
    """Yield (line number, line, torn, gap) of the lines near a needle, and after them while the reader is busy.

    `torn` marks the last line when it has no newline, `gap` that lines were left out before this one.
    """
    number, gap = 0, False
    for block, hits in _searched(log, needles):
        end = len(block)
        at = 0  # Everything before `at` is yielded or passed over; `number` lines lie before it.
        while at < end:
            if busy():
                through = at
            else:
                index = bisect_left(hits, at)
                if index == len(hits):
                    number += block.count(b"\n", at, end)
                    at, gap = end, True
                    break
                through = hits[index]
                start = _back(block, through, at, before)
                if start > at:
                    number += block.count(b"\n", at, start)
                    at, gap = start, True
            while at <= through:
                line_end = block.find(b"\n", at, end)
                torn = line_end < 0
                line_end = end if torn else line_end
                number += 1
                yield number, block[at:line_end], torn, gap
                at, gap = line_end + 1, False


def _searched(log: IO[bytes], needles: Sequence[bytes]) -> Iterator[tuple[bytes, list[int]]]:
    """Yield blocks of whole lines with the places of the needles; the search of the next ones runs meanwhile."""
    search = best_search()
    waiting: deque[tuple[bytes, Future[list[int]] | list[int]]] = deque()
    first = True
    with ThreadPoolExecutor(2, "needles") as pool:
        for block in _blocks(log):
            if first and len(block) < BLOCK:  # A small log is not worth a thread.
                yield block, search(block, needles)
                continue
            first = False
            waiting.append((block, pool.submit(search, block, needles)))
            while len(waiting) > _AHEAD:
                done, hits = waiting.popleft()
                yield done, hits.result() if isinstance(hits, Future) else hits
        while waiting:
            done, hits = waiting.popleft()
            yield done, hits.result() if isinstance(hits, Future) else hits


def _blocks(log: IO[bytes]) -> Iterator[bytes]:
    """Yield the log in blocks that end with a newline, but for the last."""
    rest: list[bytes] = []
    while data := log.read(BLOCK):
        end = data.rfind(b"\n") + 1
        if end:
            yield b"".join((*rest, data[:end]))
            rest = [data[end:]] if end < len(data) else []
        else:
            rest.append(data)
    if last := b"".join(rest):
        yield last


def _back(block: bytes, hit: int, floor: int, lines: int) -> int:
    """Return where the line `lines` before the hit's own begins, not before `floor`."""
    start = block.rfind(b"\n", floor, hit) + 1 or floor
    if block.startswith(_EXPORT, start):
        lines = _EXPORT_BEFORE
    for _ in range(lines):
        if start <= floor:
            return floor
        start = block.rfind(b"\n", floor, start - 1) + 1 or floor
    return start
