"""A log of any size as a stream: blocks are searched for needles, and only the lines near them are parsed."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import IO, NamedTuple

from fragtui.kernel.reports.needles import BEFORE, DRIVER_NEEDLES, REPORT_NEEDLES
from fragtui.logs.markup import MailJoiner, WrapJoiner
from fragtui.sources.files.line_bounds import CutLines, skip_hole, without_holes
from fragtui.sources.files.log_files import stamped_in
from fragtui.sources.files.readable_log import ReadableLog
from fragtui.sources.kernel_log.incident_stream import IncidentStream
from fragtui.sources.kernel_log.needle_search import BlockSearch, GatedNeedles
from fragtui.text import LINE_BYTES, line_limit

SCAN_BLOCK = 1 << 17
"""Bytes: small enough to stay in the processor's cache while it is read, searched and its lines are counted."""
_TAIL = 16 << 10
"""Bytes at the end of a block that are kept for a hit in the next one."""
_PART = (b"MESSAGE=", b"MESSAGE\n", b" ")
"""Start of a hit's line if its record has many lines."""
_PART_BEFORE = 256
"""Lines before such a hit that are needed: a journal export entry has about 30, the timestamp first."""
_MAX_LEFT = 256
"""Blocks after which those that were searched ahead are read: 32 MiB of a log."""
Near = tuple[int, bytes, bool, bool]
"""Line number from 1, line without its newline, whether it had none (torn), whether lines before it are left out."""


class _Block(NamedTuple):
    """Bytes of a log. The next block overlaps it by the lines that a hit there may need."""

    data: bytes
    """Empty if they were left out; they can be read again at `place`, an offset in the file."""
    zeros: bool
    """Whether one of them may be zero."""
    overlap: int
    """Where the lines end that the block before had, too."""
    end: int
    """Where the last whole line ends."""
    tail: int
    """Where the next block begins."""
    place: int | None
    hits: Sequence[int] = ()
    lines: int | None = None
    """Lines before the tail, if none of them is a hit."""


def scan_log(
    log: IO[bytes],
    stream: IncidentStream,
    stopped: Callable[[], bool] = lambda: False,
    cut: CutLines | None = None,
    joiner: WrapJoiner | MailJoiner | None = None,
) -> None:
    """Feed an incident stream with a log until `stopped`. Lines are numbered from 1; `cut` counts overlong lines.

    `joiner` joins those of a log that a mail has wrapped.
    A line that shows the year and the zone of the log comes first: those above it may lack them.
    Raises OSError and EOFError, after what was read until then.
    """
    if (stamped := stamped_in(log)) is not None:
        stream.feed_numbered(stamped.encode(), 0)

    def busy() -> bool:
        return stream.busy or (joiner is not None and joiner.busy)

    def finish() -> None:
        for joined in () if joiner is None else joiner.finish():
            stream.feed_numbered(*joined)
        stream.finish()

    try:
        for number, line, torn, gap in near_lines(log, (*REPORT_NEEDLES, *DRIVER_NEEDLES), busy, cut=cut):
            if gap:
                stream.skip()
            for joined in ((line, number, torn),) if joiner is None else joiner.feed(line, number, torn):
                stream.feed_numbered(*joined)
            if stopped():
                return
    except (OSError, EOFError):
        finish()
        raise
    finish()


def near_lines(
    log: IO[bytes],
    needles: Sequence[bytes],
    busy: Callable[[], bool],
    before: int = BEFORE,
    cut: CutLines | None = None,
    gated: GatedNeedles | None = None,
    ahead: int = 1,
) -> Generator[Near]:
    """Yield the lines near a needle (also one of `gated`), and further ones while the reader is busy.

    `cut` counts overlong lines and, at the end, all lines. Of a file, up to `ahead` blocks with needles are searched
    before the first is read.
    """
    cut = cut or CutLines()
    source = ReadableLog(log, SCAN_BLOCK)
    number, gap, kept = 0, False, 0
    at, end, block = 0, 0, b""
    try:
        for part in _searched(log, source, cut, BlockSearch(needles, gated), ahead):
            block, hits, end, tail = part.data, part.hits, part.end, part.tail
            at = part.overlap - kept  # Everything before `at` is yielded or left out; `number` lines are before it.
            kept = 0
            if part.lines is not None and at == 0 and not busy():
                number, at, gap, kept = number + part.lines, tail, gap or tail > 0, end - tail
                continue
            if part.place is not None and not block:
                block = os.pread(log.fileno(), end, part.place)
                if len(block) < end:  # The file was cut meanwhile.
                    end = tail = block.rfind(b"\n") + 1
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
                    line = block[at:line_end]
                    if len(line) > LINE_BYTES:
                        line = cut.cut(line)
                    yield source.number_of(number) if source.turned else number, line, torn, gap
                    at, gap = line_end + 1, False
    finally:
        # A torn last line ends without the newline that would count it; one that was yielded is counted.
        cut.lines = number + _newlines(block[at:end]) + (at <= end and block[end - 1 : end] not in (b"", b"\n"))


def _searched(log: IO[bytes], source: ReadableLog, cut: CutLines, search: BlockSearch, ahead: int) -> Iterator[_Block]:
    """Yield the blocks with their hits; of a file, those with hits several at a time.

    A report takes a third less to read right after another one: its code is in the processor's cache, from which a
    searched block drives it. Of blocks between them without a hit, only the first is held.
    """
    held: list[_Block] = []
    known = quiet = 0  # Blocks whose bytes are held; blocks without a hit, one after another.
    try:
        for block in _blocks(log, source, cut):
            hits = search(block.data, block.zeros, block.overlap)
            lines = None if hits and hits[0] < block.end else _newlines(block.data[: block.tail])
            if quiet > 1 and held and held[-1].place is not None:
                held[-1] = held[-1]._replace(data=b"")
                known -= 1
            quiet = 0 if lines is None else quiet + 1
            held.append(block._replace(hits=hits, lines=lines))
            known += 1
            if ahead == 1 or not source.is_file or known >= 2 * ahead or len(held) >= _MAX_LEFT:
                yield from _taken(held)
                known = 0
        yield from _taken(held)
    except (OSError, EOFError, KeyboardInterrupt):
        yield from _taken(held)
        raise


def _taken(held: list[_Block]) -> Iterator[_Block]:
    """Yield the blocks and forget each: after a Ctrl-C between two of them, only the rest is to be read."""
    while held:
        yield held.pop(0)


def _blocks(log: IO[bytes], source: ReadableLog, cut: CutLines) -> Iterator[_Block]:
    """Yield the blocks of a log. The last line of the log may lack its newline.

    Of a line that ends in a later block, no more is kept than is needed to know that it is too long.
    """
    rest, overlap = b"", 0
    whole = True  # Whether the rest is what the file has before the next bytes that are read.
    while data := source.read():
        cut.read(data)
        if (zeros := b"\0" in data) and not (data := without_holes(data)):
            skip_hole(log)
            whole = False
            continue
        zeros = zeros or b"\0" in rest
        block = rest + data
        end = block.rfind(b"\n", len(rest)) + 1
        if end:
            tail = block.find(b"\n", end - _TAIL - 1) + 1 if end > _TAIL else 0
            place = log.tell() - len(block) if whole and not zeros and source.is_file else None
            yield _Block(block, zeros, overlap, end, tail, place)
            whole = not zeros and (whole or tail >= len(rest))
            rest, overlap = block[tail:], end - tail
        else:
            whole = False
            if len(rest) - overlap <= line_limit(rest[overlap:]):
                rest = block
        if len(rest) > (limit := overlap + line_limit(rest[overlap:]) + 1):
            rest, whole = rest[:limit], False
    if len(rest) > overlap:
        yield _Block(rest, b"\0" in rest, overlap, len(rest), len(rest), None)


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
