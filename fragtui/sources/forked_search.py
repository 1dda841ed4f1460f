"""Needles of a large plain file, searched by child processes: a hit's line number without its text passing here."""

from __future__ import annotations

import os
import signal
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress

from fragtui.sources.needle_search import best_search

SEGMENT = 8 << 20
_BLOCK = 512 << 10
"""Small enough to stay in the processor's cache between reading, searching and counting."""
_PROCESSES = 2


def forked_hits(
    descriptor: int, size: int, needles: Sequence[bytes], segment: int = SEGMENT
) -> Iterator[tuple[int, int]] | None:
    """Return (offset, newlines before it) of the first hit of every line in the first `size` bytes of a file.

    Children search its segments by turns; a hit belongs to the segment in which it begins, so none is lost or doubled
    at a border. None if no child can be started. Closing the iterator ends the children.
    """
    children: list[tuple[int, int]] = []
    try:
        for turn in range(_PROCESSES):
            children.append(_start(descriptor, size, needles, segment, turn, [end for _, end in children]))
    except OSError:  # A node without memory may refuse to fork.
        _end(children)
        return None
    return _collected(children, -(-size // segment))


def _start(
    descriptor: int, size: int, needles: Sequence[bytes], segment: int, turn: int, others: Sequence[int]
) -> tuple[int, int]:
    """Start the child of a turn; return its process id and the descriptor to read from."""
    read_end, write_end = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(read_end)
        os.close(write_end)
        raise
    if child:
        os.close(write_end)
        return child, read_end
    try:  # Nothing of the parent may run here: no handler, no buffer of its streams.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.nice(10)  # The parent has more to do: where processors are few, it goes first.
        for other in (*others, read_end):
            os.close(other)
        for begin in range(turn * segment, size, _PROCESSES * segment):
            _write(write_end, search_segment(descriptor, begin, min(begin + segment, size), needles).tobytes())
        os._exit(0)
    except BaseException:
        os._exit(1)


def search_segment(descriptor: int, begin: int, end: int, needles: Sequence[bytes], block: int = _BLOCK) -> array[int]:
    """Return count of pairs, newlines of the segment, then offset and newlines before it of each line's first hit."""
    search, overlap = best_search(), max(map(len, needles)) - 1
    buffer = bytearray(block + overlap)
    view = memoryview(buffer)
    found, newlines = array("Q", (0, 0)), 0
    last_line = -1
    at = begin
    while at < end:
        size = os.preadv(descriptor, [view], at)
        if size <= 0:
            break  # Cut while we read.
        own = min(size, block, end - at)
        counted = 0
        for hit in search(buffer, min(size, own + overlap), needles):
            if hit >= own:
                break
            newlines += buffer.count(b"\n", counted, hit)
            counted = hit
            if newlines != last_line:
                last_line = newlines
                found.extend((at + hit, newlines))
        newlines += buffer.count(b"\n", counted, own)
        at += own
    found[0], found[1] = len(found) // 2 - 1, newlines
    return found


def _collected(children: list[tuple[int, int]], segments: int) -> Iterator[tuple[int, int]]:
    before = 0
    last_line = -1
    try:
        for index in range(segments):
            source = children[index % len(children)][1]
            count, newlines = _read(source, 2)
            pairs = _read(source, 2 * count)
            for place in range(0, 2 * count, 2):
                line = before + pairs[place + 1]
                if line != last_line:
                    yield pairs[place], line
                last_line = line
            before += newlines
    finally:
        _end(children)


def _read(source: int, numbers: int) -> array[int]:
    """Return so many numbers. Raises OSError if the child ended before."""
    data = bytearray()
    wanted = numbers * 8
    while len(data) < wanted:
        part = os.read(source, min(wanted - len(data), 1 << 20))
        if not part:
            raise OSError("the search of the log was ended from outside")
        data += part
    found = array("Q")
    found.frombytes(bytes(data))
    return found


def _write(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def _end(children: list[tuple[int, int]]) -> None:
    for child, source in children:
        os.close(source)
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)
        with suppress(OSError):
            os.waitpid(child, 0)
    children.clear()
