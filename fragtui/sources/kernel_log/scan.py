"""A log of any size as a stream: blocks are searched for needles, and only the lines near them are parsed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import IO

from fragtui.kernel.reports.needles import BEFORE, DRIVER_NEEDLES, REPORT_NEEDLES
from fragtui.sources.files.line_bounds import CutLines, skip_hole, without_holes
from fragtui.sources.files.log_files import stamped_in
from fragtui.sources.files.readable_log import ReadableLog
from fragtui.sources.kernel_log.incident_stream import IncidentStream
from fragtui.sources.kernel_log.needle_search import BlockSearch, GatedNeedles
from fragtui.text import line_limit

SCAN_BLOCK = 1 << 17
"""Bytes: small enough to stay in the processor's cache while it is read, searched and its lines are counted."""
_TAIL = 16 << 10
"""Bytes at the end of a block that are kept for a hit in the next one."""
_PART = (b"MESSAGE=", b"MESSAGE\n", b" ")
"""Start of a hit's line if its record has many lines."""
_PART_BEFORE = 256
"""Lines before such a hit that are needed: a journal export entry has about 30, the timestamp first."""
Near = tuple[int, bytes, bool, bool]
"""Line number from 1, line without its newline, whether it had none (torn), whether lines before it are left out."""


def scan_log(
    log: IO[bytes],
    stream: IncidentStream,
    stopped: Callable[[], bool] = lambda: False,
    cut: CutLines | None = None,
) -> None:
    """Feed an incident stream with a log until `stopped`. Lines are numbered from 1; `cut` counts overlong lines.

    A line that shows the year and the zone of the log comes first: those above it may lack them.
    """
    if (stamped := stamped_in(log)) is not None:
        stream.feed_numbered(stamped.encode(), 0)
    for number, line, torn, gap in near_lines(log, (*REPORT_NEEDLES, *DRIVER_NEEDLES), lambda: stream.busy, cut=cut):
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
    gated: GatedNeedles | None = None,
) -> Generator[Near]:
    """Yield the lines near a needle (also one of `gated`), and further ones while the reader is busy.

    `cut` counts overlong lines and, at the end, all lines.
    """
    cut = cut or CutLines()
    source = ReadableLog(log, SCAN_BLOCK)
    number, gap, kept = 0, False, 0
    at, end, block = 0, 0, b""
    search = BlockSearch(needles, gated)
    try:
        for block, zeros, overlap, end, tail in _blocks(log, source, cut):
            hits = search(block, zeros)
            at = overlap - kept  # Everything before `at` is yielded or left out; `number` lines are before it.
            kept = 0
            while at < end:
                if busy():
                    through = at
                else:
                    index = bisect_left(hits, at)
                    if index == len(hits) or hits[index] >= end:
                        keep = max(at, tail)  # These lines may belong to a hit of the next block.
                        number += _newlines(block[at:keep])
                        at, gap, kept = keep, gap or keep > at, end - keep
                        break
                    through = hits[index]
                    start = _step_back(block, through, at, before)
                    if start > at:
                        number += _newlines(block[at:start])
                        at, gap = start, True
                while at <= through:
                    line_end = block.find(b"\n", at, end)
                    torn = line_end < 0
                    line_end = end if torn else line_end
                    number += 1
                    yield source.number_of(number), cut.cut(block[at:line_end]), torn, gap
                    at, gap = line_end + 1, False
    finally:
        # A torn last line ends without the newline that would count it; one that was yielded is counted.
        cut.lines = number + _newlines(block[at:end]) + (at <= end and block[end - 1 : end] not in (b"", b"\n"))


def _blocks(log: IO[bytes], source: ReadableLog, cut: CutLines) -> Iterator[tuple[bytes, bool, int, int, int]]:
    """Yield bytes, whether one may be zero, the ends of the overlap and of the last whole line, the next block's start.

    Blocks overlap by the lines that a hit in the next block may need. The last line of the log may lack its newline. Of
    a line that ends in a later block, no more is kept than is needed to know that it is too long.
    """
    rest, overlap = b"", 0
    while data := source.read():
        cut.read(data)
        if (zeros := b"\0" in data) and not (data := without_holes(data)):
            skip_hole(log)
            continue
        zeros = zeros or b"\0" in rest
        block = rest + data
        end = block.rfind(b"\n", len(rest)) + 1
        if end:
            tail = block.find(b"\n", end - _TAIL - 1) + 1 if end > _TAIL else 0
            yield block, zeros, overlap, end, tail
            rest, overlap = block[tail:], end - tail
        elif len(rest) - overlap <= line_limit(rest[overlap:]):
            rest = block
        rest = rest[: overlap + line_limit(rest[overlap:]) + 1]
    if len(rest) > overlap:
        yield rest, b"\0" in rest, overlap, len(rest), len(rest)


def _newlines(text: bytes) -> int:
    """Count newlines by removing them: `bytes.count` takes three times as long."""
    return len(text) - len(text.replace(b"\n", b""))


def _step_back(block: bytes, hit: int, floor: int, lines: int) -> int:
    """Return where the line `lines` before the hit's own begins, not before `floor`."""
    start = block.rfind(b"\n", floor, hit) + 1 or floor
    if block.startswith(_PART, start):
        lines = _PART_BEFORE
    for _ in range(lines):
        if start <= floor:
            return floor
        start = block.rfind(b"\n", floor, start - 1) + 1 or floor
    return start
