"""A log of any size as a stream: large blocks are searched for needles, only their neighbourhood is parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from fragtui.kernel.needles import BEFORE, REPORT_NEEDLES
from fragtui.sources.incident_stream import IncidentStream

BLOCK = 1 << 20


def scan_log(log: IO[bytes], stream: IncidentStream, stopped: Callable[[], bool] = lambda: False) -> None:
    """Feed an incident stream with a log; lines are counted from 1."""
    for number, line, torn, gap in near_lines(log, REPORT_NEEDLES, lambda: stream.busy):
        if gap:
            stream.skip()
        stream.feed_numbered(line, number, torn)
        if stopped():
            return
    stream.finish()


def near_lines(
    log: IO[bytes], needles: tuple[bytes, ...], busy: Callable[[], bool], before: int = BEFORE
) -> Iterator[tuple[int, bytes, bool, bool]]:
    """Yield (line number, line, torn, gap) of the lines near a needle, and after them while the reader is busy.

    `torn` marks the last line when it has no newline, `gap` that lines were left out before this one.
    """
    number, rest, gap = 0, b"", False
    ended = False
    while not ended:
        data = log.read(BLOCK) or b""
        ended = not data
        block = rest + data
        end = len(block) if ended else block.rfind(b"\n") + 1
        rest = block[end:]
        if not end:
            continue
        at = 0  # Everything before `at` is yielded or passed over; `number` lines lie before it.
        hits = _hits(block, needles, end)
        hit = next(hits, None)
        while at < end:
            if not busy():
                while hit is not None and hit < at:
                    hit = next(hits, None)
                if hit is None:
                    number += block.count(b"\n", at, end)
                    at, gap = end, True
                    break
                start = _back(block, hit, at, before)
                if start > at:
                    number += block.count(b"\n", at, start)
                    at, gap = start, True
                for line_end in _line_ends(block, at, hit, end):
                    number += 1
                    yield number, block[at:line_end], line_end == end and block[end - 1 : end] != b"\n", gap
                    at, gap = min(line_end + 1, end), False
                continue
            line_end = block.find(b"\n", at, end)
            line_end = end if line_end < 0 else line_end
            number += 1
            yield number, block[at:line_end], line_end == end, gap
            at, gap = min(line_end + 1, end), False


def _line_ends(block: bytes, at: int, hit: int, end: int) -> Iterator[int]:
    """Yield the ends of the lines from `at` through the one that holds `hit`."""
    while at <= hit:
        line_end = block.find(b"\n", at, end)
        line_end = end if line_end < 0 else line_end
        yield line_end
        at = line_end + 1


def _back(block: bytes, hit: int, floor: int, lines: int) -> int:
    """Return where the line `lines` before the hit's own begins, not before `floor`."""
    start = hit
    for _ in range(lines + 1):
        start = block.rfind(b"\n", floor, start)
        if start < 0:
            return floor
    return start + 1


def _hits(block: bytes, needles: tuple[bytes, ...], end: int) -> Iterator[int]:
    """Yield the places of needles in order."""
    nearest = {needle: block.find(needle, 0, end) for needle in needles}
    nearest = {needle: place for needle, place in nearest.items() if place >= 0}
    while nearest:
        needle = min(nearest, key=nearest.__getitem__)
        place = nearest[needle]
        yield place
        following = block.find(needle, place + 1, end)
        if following < 0:
            del nearest[needle]
        else:
            nearest[needle] = following
