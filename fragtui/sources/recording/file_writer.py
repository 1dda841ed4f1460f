"""The file or pipe of a recording, written on its own thread: a disk that does not respond blocks nothing else."""

from __future__ import annotations

import os
import queue
import threading
from pathlib import Path

from fragtui.sources.files.host_files import os_reason

MAX_WAITING = 1 << 20
"""Bytes that wait for a reader of a pipe, 15 minutes of an idle node: then it has gone without a word."""


def new_file(path: Path) -> RecordingFile:
    """Return a new file of mode 0600; raise OSError if it can't be created or if it exists."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        return RecordingFile(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise


class RecordingFile:
    """A file or pipe that grows; the first error ends it and is kept in `problem`."""

    def __init__(self, descriptor: int, path: Path, most_waiting: int | None = None) -> None:
        """Take over a descriptor; more than `most_waiting` unwritten bytes are an error. Raises RuntimeError."""
        self.path = path
        self.problem: str | None = None
        self.written = 0
        """Bytes handed to the kernel."""
        self._descriptor = descriptor
        self._most = most_waiting
        self._appended = 0
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def append(self, data: bytes) -> None:
        """Queue data to be written; never waits."""
        self._appended += len(data)
        if self._most is not None and self._appended - self.written > self._most and self.problem is None:
            self.problem = "its reader does not read"
        if self.problem is None:
            self._waiting.put(data)

    def close(self, seconds: float = 5.0) -> None:
        """Write what is queued and close the file; wait at most `seconds` for it."""
        self._waiting.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive() and self.problem is None:
            self.problem = "the disk does not answer"

    def _run(self) -> None:
        try:
            while (data := self._waiting.get()) is not None:
                self._write(data)
        except OSError as error:
            self.problem = os_reason(error)
        finally:
            os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        while data:
            count = os.write(self._descriptor, data)
            self.written += count
            data = data[count:]
