"""Needles of a large plain file, searched by child processes: a hit's line number without its text passing here."""

from __future__ import annotations

import os
import select
import signal
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from fragtui.sources.needle_search import best_search

SEGMENT = 8 << 20
_BLOCK = 96 << 10
"""Small enough to stay in the processor's cache between reading, searching and counting, and for malloc to keep."""
_PROCESSES = 2
_AHEAD = 16
"""Segments searched before they are asked for: what is found in them waits in memory."""


def forked_hits(
    descriptor: int, size: int, needles: Sequence[bytes], segment: int = SEGMENT
) -> Iterator[tuple[int, int]] | None:
    """Return (offset, newlines before it) of the first hit of every line in the first `size` bytes of a file.

    Children search its segments, whoever is free the next one; a hit belongs to the segment in which it begins, so
    none is lost or doubled at a border. None if no child can be started. Closing the iterator ends the children.
    """
    team = _Team()
    try:
        for _ in range(_PROCESSES):
            team.add(lambda begin: search_segment(descriptor, begin, min(begin + segment, size), needles))
    except OSError:  # A node without memory may refuse to fork.
        team.end()
        return None
    return _collected(team, range(0, size, segment))


class _Team:
    """Child processes that take the beginnings of segments from one pipe and answer each on a pipe of its own."""

    def __init__(self) -> None:
        self._tasks, self._assign = os.pipe()
        self._children: dict[int, int] = {}
        """Process ids by the descriptor to read from."""

    def add(self, work: Callable[[int], array[int]]) -> None:
        """Start a child. Raises OSError."""
        source, target = os.pipe()
        try:
            child = os.fork()
        except OSError:
            os.close(source)
            os.close(target)
            raise
        if child:
            os.close(target)
            self._children[source] = child
            return
        try:  # Nothing of the parent may run here: no handler, no buffer of its streams.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            for mine in (*self._children, source, self._assign):
                os.close(mine)
            while task := os.read(self._tasks, 8):
                _write(target, task + work(int.from_bytes(task, "little")).tobytes())
            os._exit(0)
        except BaseException:
            os._exit(1)

    def assign(self, begin: int) -> None:
        """Have a segment searched by whoever is free first."""
        os.write(self._assign, begin.to_bytes(8, "little"))

    def answer(self) -> tuple[int, array[int]]:
        """Wait for the next answer: a segment's begin and what `search_segment` found. Raises OSError."""
        poll = select.poll()
        for source in self._children:
            poll.register(source, select.POLLIN)
        source = poll.poll()[0][0]
        begin, count, newlines = _read(source, 3)
        return begin, array("Q", (count, newlines)) + _read(source, 2 * count)

    def end(self) -> None:
        """End the children, whatever they do."""
        os.close(self._tasks)
        os.close(self._assign)
        for source, child in self._children.items():
            os.close(source)
            with suppress(OSError):
                os.kill(child, signal.SIGKILL)
            with suppress(OSError):
                os.waitpid(child, 0)


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
            newlines += _newlines(buffer[counted:hit])
            counted = hit
            if newlines != last_line:
                last_line = newlines
                found.extend((at + hit, newlines))
        newlines += _newlines(buffer[counted:own])
        at += own
    found[0], found[1] = len(found) // 2 - 1, newlines
    return found


def _newlines(text: bytearray) -> int:
    """Count them by leaving them out: that jumps from one to the next, where `count` looks at every byte."""
    return len(text) - len(text.replace(b"\n", b""))


def _collected(team: _Team, segments: range) -> Iterator[tuple[int, int]]:
    before, last_line = 0, -1
    answers: dict[int, array[int]] = {}
    try:
        for begin in segments[:_AHEAD]:
            team.assign(begin)
        for place, begin in enumerate(segments):
            while begin not in answers:
                found, answer = team.answer()
                answers[found] = answer
            _, newlines, *pairs = answers.pop(begin)
            if place + _AHEAD < len(segments):
                team.assign(segments[place + _AHEAD])
            for offset, line in zip(pairs[::2], pairs[1::2], strict=True):
                if before + line != last_line:
                    yield offset, before + line
                last_line = before + line
            before += newlines
    finally:
        team.end()


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
