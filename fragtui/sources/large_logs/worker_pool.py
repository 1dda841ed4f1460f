"""Child processes of our own that share out numbered tasks."""

from __future__ import annotations

import gc
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress

_BETWEEN_COLLECTIONS = 50_000
"""Objects that a child makes before it looks for garbage: it makes many, and hardly any in circles."""


class WorkerPool:
    """They take numbers from one pipe, whoever is free the next one, and answer each on a pipe of their own."""

    def __init__(self) -> None:
        self._tasks, self._assign = os.pipe()
        self._children: dict[int, int] = {}
        """Process ids by the descriptor to read from."""

    def add(self, work: Callable[[int], bytes]) -> None:
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
            gc.freeze()  # What the parent made is not looked through for garbage, and so not copied.
            gc.set_threshold(_BETWEEN_COLLECTIONS)
            for mine in (*self._children, source, self._assign):
                os.close(mine)
            while task := os.read(self._tasks, 8):
                answer = work(int.from_bytes(task, "little"))
                _write(target, task + len(answer).to_bytes(8, "little") + answer)
            os._exit(0)
        except BaseException:
            os._exit(1)

    def assign(self, task: int) -> None:
        """Give a task to whoever is free first."""
        os.write(self._assign, task.to_bytes(8, "little"))

    def answer(self) -> tuple[int, bytes]:
        """Wait for the next answer; return its task and what was answered. Raises EOFError if a child ended."""
        poll = select.poll()
        for source in self._children:
            poll.register(source, select.POLLIN)
        source = poll.poll()[0][0]
        head = _read(source, 16)
        return int.from_bytes(head[:8], "little"), _read(source, int.from_bytes(head[8:], "little"))

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


def _read(source: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = os.read(source, min(size - len(data), 1 << 20))
        if not part:
            raise EOFError("a child was ended from outside")
        data += part
    return bytes(data)


def _write(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
